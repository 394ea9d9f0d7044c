/** A message's text as plain pieces and links. Links are only what visibly is one: http, https and www. Pure. */

export interface Piece {
  text: string;
  href?: string;
}

const LINK = /\b(?:https?:\/\/|www\.)[^\s<>"'`]+/giu;
/** What usually ends a sentence rather than an address. */
const TAIL = /[.,;:!?)\]}»”’،؛؟]+$/u;

export function pieces(text: string): Piece[] {
  const result: Piece[] = [];
  let from = 0;
  for (const found of text.matchAll(LINK)) {
    let link = found[0].replace(TAIL, "");
    // keep a closing bracket that belongs to the address
    if (link.includes("(") && found[0][link.length] === ")") link += ")";
    if (found.index > from) result.push({ text: text.slice(from, found.index) });
    result.push({ text: link, href: link.toLowerCase().startsWith("www.") ? `https://${link}` : link });
    from = found.index + link.length;
  }
  if (from < text.length) result.push({ text: text.slice(from) });
  return result;
}

const EMOJI_ONLY = /^(?:\p{Extended_Pictographic}[\u{1f3fb}-\u{1f3ff}\ufe0f]?(?:\u200d\p{Extended_Pictographic}\ufe0f?)*\s*){1,3}$/u;

/** One to three emoji and nothing else: shown large. */
export function isEmojiOnly(text: string): boolean {
  return text.length <= 40 && EMOJI_ONLY.test(text);
}
