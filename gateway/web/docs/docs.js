"use strict";

// Fills an operation's form into a request, sends it, and shows the answer as text, so nothing in it is ever markup.

const cookie = (name) =>
  document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";

function request(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const input of form.querySelectorAll("input[data-in]")) {
    const value = input.value.trim();
    if (input.dataset.in === "path") {
      path = path.replace(`{${input.name}}`, encodeURIComponent(value));
    } else if (value !== "" && input.dataset.in === "query") {
      query.append(input.name, value);
    } else if (value !== "") {
      headers[input.name] = value;
    }
  }
  const key = document.getElementById("key").value.trim();
  if (key !== "") {
    headers.Authorization = `Bearer ${key}`;
  } else {
    headers["X-CSRF-Token"] = cookie("gateway_csrf");
  }
  const body = form.querySelector("textarea");
  if (body) {
    headers["Content-Type"] = body.dataset.type;
  }
  const url = query.size ? `${path}?${query}` : path;
  return [url, { method: form.dataset.method, headers, body: body ? body.value : undefined }];
}

async function send(form) {
  const answer = form.querySelector(".answer");
  answer.hidden = false;
  answer.textContent = "…";
  try {
    const reply = await fetch(...request(form));
    const text = await reply.text();
    const etag = reply.headers.get("etag");
    let shown = text;
    try {
      shown = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      // It is no JSON: shown as it came.
    }
    answer.textContent = `${reply.status} ${reply.statusText}${etag ? `\nETag: ${etag}` : ""}\n\n${shown}`;
  } catch (error) {
    answer.textContent = String(error);
  }
}

for (const form of document.querySelectorAll("form[data-path]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
}
