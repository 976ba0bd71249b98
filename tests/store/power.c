/* Keeps, of every file below POWER_LIVE, a copy as of its last fsync or fdatasync below POWER_KEPT.

   After the process is killed, the copies are what a disk may hold had the power been cut: whatever was written and not
   synced is not in them, and a file that was deleted is still there, until its directory was synced. Nothing is really
   synced, so a test with many commits stays quick. */

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void copy(int from, const char *path) {
    static __thread char buffer[1 << 16];
    char draft[3 * PATH_MAX];
    snprintf(draft, sizeof draft, "%s.%d.draft", path, from);
    int to = open(draft, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (to < 0) abort();
    ssize_t got;
    for (off_t at = 0; (got = pread(from, buffer, sizeof buffer, at)) > 0; at += got)
        if (write(to, buffer, got) != got) abort();
    /* The process may be killed at any moment, and then the copy is either the one before or this one. */
    if (got < 0 || close(to) || rename(draft, path)) abort();
}

static void forget(const char *live, const char *kept) {
    char path[3 * PATH_MAX];
    DIR *directory = opendir(kept);
    if (!directory) abort();
    for (struct dirent *entry; (entry = readdir(directory));) {
        snprintf(path, sizeof path, "%s/%s", live, entry->d_name);
        if (!access(path, F_OK)) continue;
        snprintf(path, sizeof path, "%s/%s", kept, entry->d_name);
        if (unlink(path)) abort();
    }
    closedir(directory);
}

static int keep(int fd) {
    const char *live = getenv("POWER_LIVE"), *kept = getenv("POWER_KEPT");
    char link[64], path[PATH_MAX], target[2 * PATH_MAX];
    struct stat status;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!live || !kept || length < 0 || fstat(fd, &status)) return 0;
    path[length] = 0;
    if (strncmp(path, live, strlen(live))) return 0;
    snprintf(target, sizeof target, "%s%s", kept, path + strlen(live));
    if (S_ISDIR(status.st_mode)) forget(path, target);
    if (S_ISREG(status.st_mode)) copy(fd, target);
    return 0;
}

int fsync(int fd) { return keep(fd); }

int fdatasync(int fd) { return keep(fd); }
