// What a page owes to everybody: names for what can be used, and text that stands out from what is behind it.
() => {
  const wrong = [];
  const shown = (item) => item.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const rgba = (text) => {
    const numbers = (text.match(/-?[\d.]+(?:e-?\d+)?/g) ?? []).map(Number);
    const scale = text.startsWith("color(") ? 1 : 255;
    return [numbers[0] / scale, numbers[1] / scale, numbers[2] / scale, numbers[3] ?? 1];
  };
  const light = (color) => {
    const [r, g, b] = color.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (item) => {
    for (let at = item; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] >= 0.99) return color.slice(0, 3);
    }
    return [1, 1, 1];
  };
  for (const item of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (!item.labels?.length && !item.ariaLabel) wrong.push(`no label: ${item.outerHTML.slice(0, 80)}`);
  }
  for (const item of document.querySelectorAll("a, button")) {
    if (!(item.textContent.trim() || item.ariaLabel)) wrong.push(`no name: ${item.outerHTML.slice(0, 80)}`);
  }
  for (const item of document.querySelectorAll("img:not([alt])")) wrong.push(`no alt: ${item.outerHTML}`);
  for (const item of document.querySelectorAll("th:not([scope])")) wrong.push(`no scope: ${item.outerHTML.slice(0, 80)}`);
  const ids = [...document.querySelectorAll("[id]")].map((item) => item.id);
  for (const id of new Set(ids)) if (ids.filter((one) => one === id).length > 1) wrong.push(`twice: #${id}`);
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].filter(shown).map((head) => Number(head.localName[1]));
  levels.forEach((level, n) => { if (n && level > levels[n - 1] + 1) wrong.push(`a heading is left out before h${level}`); });
  for (const item of document.querySelectorAll("th")) if (!item.textContent.trim()) wrong.push("a column has no name");
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const item = node.parentElement;
    if (!node.data.trim() || !shown(item) || item.closest(".sr, .skip, option")) continue;
    const style = getComputedStyle(item);
    const [one, other] = [light(rgba(style.color).slice(0, 3)), light(behind(item))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) wrong.push(`contrast ${ratio.toFixed(2)}: ${node.data.trim().slice(0, 40)}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) wrong.push("wider than the window");
  return wrong;
}
