// Small helpers to build elements. No markup strings anywhere: the host page's policy may forbid them, and so do we.

type Attributes = Record<string, string | boolean | ((event: never) => void) | undefined>;
type Child = Node | string | null | false;

/** `h("button", { class: "x", onclick: go }, "Go")` */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as unknown as EventListener);
    else if (value === true) element.setAttribute(name, "");
    else if (typeof value === "string") element.setAttribute(name, value);
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/** Write only what differs: untouched text is not read out again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element: HTMLElement, visible: boolean): void {
  if (element.hidden === visible) element.hidden = !visible;
}

const SHAPES = {
  chat: "M12 3.2c-5 0-9 3.4-9 7.7 0 2.4 1.2 4.5 3.2 5.9-.1 1-.6 2.2-1.5 3.2-.2.3 0 .7.4.6 1.9-.2 3.5-.9 4.6-1.7.7.1 1.5.2 2.3.2 5 0 9-3.5 9-7.8s-4-8.1-9-8.1Z",
  down: "m5.5 9 6.5 6.5L18.5 9",
  close: "M6 6l12 12M18 6 6 18",
  send: "M4.2 11.2 18.9 4.5c.7-.3 1.4.4 1.1 1.1l-6.7 14.7c-.3.7-1.4.6-1.6-.1l-1.6-5.3c-.1-.3-.3-.5-.6-.6l-5.3-1.6c-.7-.1-.8-1.2 0-1.5Z",
  clip: "m20 11.2-8.1 8.1a5 5 0 0 1-7.1-7.1l8.6-8.6a3.4 3.4 0 0 1 4.8 4.8l-8.6 8.6a1.7 1.7 0 0 1-2.4-2.4l7.9-7.9",
  sound: "M4 9.5v5h3.2l4.8 4v-13l-4.8 4H4Zm11.5-.8a4.6 4.6 0 0 1 0 6.6M18 6.2a8 8 0 0 1 0 11.6",
  silent: "M4 9.5v5h3.2l4.8 4v-13l-4.8 4H4Zm12 .3 4.6 4.6m0-4.6L16 14.4",
  file: "M13.5 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8.5L13.5 3Zm0 0v5.5H19",
  clock: "M12 7.5V12l2.8 1.8M12 3.8a8.2 8.2 0 1 0 0 16.4 8.2 8.2 0 0 0 0-16.4Z",
  check: "m5.5 12.5 4.2 4.2 8.8-9.2",
  checks: "m2.5 12.8 4 4 8.2-8.8m-3.2 7.2 1.6 1.6 8.4-8.8",
  alert: "M12 7.8v5m0 3.2v.2M12 3.8a8.2 8.2 0 1 0 0 16.4 8.2 8.2 0 0 0 0-16.4Z",
  people: "M9 11.2a3.4 3.4 0 1 0 0-6.8 3.4 3.4 0 0 0 0 6.8Zm-6 8.4c0-3.3 2.7-5.6 6-5.6s6 2.3 6 5.6M15.6 4.8a3.2 3.2 0 0 1 0 6m2 3.7c2 .7 3.4 2.5 3.4 5.1",
  bot: "M12 3.5v3M7 6.5h10a2.5 2.5 0 0 1 2.5 2.5v7a2.5 2.5 0 0 1-2.5 2.5H7A2.5 2.5 0 0 1 4.5 16V9A2.5 2.5 0 0 1 7 6.5Zm2.2 5v1.6m5.6-1.6v1.6M9.5 15.6c1.6 1 3.4 1 5 0",
  offline: "M3 3l18 18M8.4 15.6a5.2 5.2 0 0 1 5.5-1.1M5 12a10 10 0 0 1 4-2.4m5.2-.1A10 10 0 0 1 19 12M2 8.6A14.6 14.6 0 0 1 6 6m5-1.1a14.6 14.6 0 0 1 11 3.7M12 19.2v.1",
} as const;

const FILLED: ReadonlySet<string> = new Set(["chat", "send"]);

export function icon(name: keyof typeof SHAPES, size = 20): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 24 24",
    width: String(size),
    height: String(size),
    "aria-hidden": "true",
    focusable: "false",
    class: `icon icon-${name}`,
    fill: FILLED.has(name) ? "currentColor" : "none",
    stroke: FILLED.has(name) ? "none" : "currentColor",
    "stroke-width": "1.8",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
  })) {
    svg.setAttribute(key, value);
  }
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}
