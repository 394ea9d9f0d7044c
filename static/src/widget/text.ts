// Text of strangers on somebody's page: shown as text, addresses as links, names without tricks.

// Controls that make a name or file name read as another one (bidi embeddings, overrides, isolates).
const BIDI = /[\u202A-\u202E\u2066-\u2069]/g;
const ADDRESS = /https?:\/\/[^\s<>"'`\u202A-\u202E\u2066-\u2069]+/gi;

export type Piece = { text: string; href?: string };

export function plainName(name: string): string {
  return name.replace(BIDI, "").replace(/\s+/g, " ").trim();
}

/** Only http and https, and only what a browser would take for an address. */
export function safeHref(address: string): string | null {
  try {
    const url = new URL(address);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** A text cut into plain pieces and links. What ends a sentence does not belong to an address. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(ADDRESS)) {
    let address = match[0].replace(/[.,;:!?،؛؟…]+$/u, "");
    if (address.endsWith(")") && !address.includes("(")) address = address.slice(0, -1);
    const href = safeHref(address);
    if (!href) continue;
    if (match.index > at) found.push({ text: text.slice(at, match.index) });
    found.push({ text: address, href });
    at = match.index + address.length;
  }
  if (at < text.length) found.push({ text: text.slice(at) });
  return found;
}

/** One or two letters for an avatar. */
export function initials(name: string): string {
  const parts = plainName(name).split(" ").filter(Boolean);
  const letters = [parts[0], parts.length > 1 ? parts[parts.length - 1] : ""].map((part) => [...(part ?? "")][0] ?? "");
  return letters.join("").toLocaleUpperCase() || "?";
}
