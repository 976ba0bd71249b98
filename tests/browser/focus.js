// Where the keyboard is: "" at the end of the page, else the element and what is wrong with it there.
() => {
  const item = document.activeElement;
  if (item === document.body) return null;
  const name = item.ariaLabel || [...(item.labels ?? [])].map((each) => each.textContent.trim()).join(" ") || item.textContent.trim();
  const box = item.getBoundingClientRect();
  const style = getComputedStyle(item);
  const wrong = [];
  if (!name) wrong.push("has no name");
  if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) wrong.push("does not show the focus");
  if (box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth) wrong.push("is out of sight");
  const x = Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1);
  const y = Math.min(Math.max(box.top + Math.min(box.height, 20) / 2, 0), innerHeight - 1);
  const there = document.elementFromPoint(x, y);
  if (!there || !(item.contains(there) || there.contains(item))) wrong.push("is covered");
  const all = [...document.querySelectorAll("*")];
  return { place: all.indexOf(item), name: name.slice(0, 50), wrong };
}
