/** Canned replies: found by typing "/", filled with the names at hand. Pure. */

export interface CannedReply {
  sid: string;
  shortcut: string;
  title: string;
  text: string;
  language?: string;
}

/** The word being looked for when the caret stands in "/word" at the start of the text or after a space; else null. */
export function slashQuery(text: string, caret: number): { query: string; from: number } | null {
  const before = text.slice(0, caret);
  const found = /(^|\s)\/([^\s/]{0,40})$/u.exec(before);
  if (!found) return null;
  const query = found[2] ?? "";
  return { query, from: caret - query.length - 1 };
}

/** Best first: shortcut starts with it, then it occurs in shortcut, title or text; the customer's language leads. */
export function rankCanned(replies: CannedReply[], query: string, language: string): CannedReply[] {
  const wanted = query.toLocaleLowerCase();
  const score = (reply: CannedReply): number => {
    const shortcut = reply.shortcut.toLocaleLowerCase();
    const bonus = reply.language && reply.language === language ? 0.5 : 0;
    if (!wanted) return 1 + bonus;
    if (shortcut === wanted) return 5 + bonus;
    if (shortcut.startsWith(wanted)) return 4 + bonus;
    if (shortcut.includes(wanted)) return 3 + bonus;
    if (reply.title.toLocaleLowerCase().includes(wanted)) return 2 + bonus;
    return reply.text.toLocaleLowerCase().includes(wanted) ? 1 + bonus : 0;
  };
  return replies
    .map((reply) => ({ reply, score: score(reply) }))
    .filter((one) => one.score > 0)
    .sort((a, b) => b.score - a.score || a.reply.shortcut.localeCompare(b.reply.shortcut))
    .map((one) => one.reply);
}

/** `{{contact.name}}`, `{{agent.name}}`; an unknown placeholder stays visible, so that nobody sends a hole. */
export function fillPlaceholders(text: string, values: Record<string, string>): string {
  return text.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (whole: string, name: string) => values[name] || whole);
}

export function insertAt(
  text: string,
  from: number,
  to: number,
  inserted: string,
): { text: string; caret: number } {
  return { text: text.slice(0, from) + inserted + text.slice(to), caret: from + inserted.length };
}
