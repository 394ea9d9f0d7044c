/** May this file go through this channel? Asked before the upload, answered with what to do. Pure. */

import { fileSize } from "../../shared/format";
import { gettext, interpolate } from "../../shared/i18n";

function matches(pattern: string, type: string): boolean {
  if (pattern === "*/*" || pattern === type) return true;
  return pattern.endsWith("/*") && type.startsWith(pattern.slice(0, -1));
}

/** The largest size for this type, or null when the channel does not take it. The most exact pattern wins. */
export function sizeLimit(media: Record<string, number>, type: string): number | null {
  const found = Object.entries(media)
    .filter(([pattern]) => matches(pattern, type || "application/octet-stream"))
    .sort(([a], [b]) => exactness(b) - exactness(a))[0];
  return found ? found[1] : null;
}

function exactness(pattern: string): number {
  return pattern === "*/*" ? 0 : pattern.endsWith("/*") ? 1 : 2;
}

/** Why not, in words for the agent; null = fine. */
export function whyNot(media: Record<string, number>, file: { name: string; type: string; size: number }): string | null {
  if (Object.keys(media).length === 0) return gettext("This channel does not carry files. Send a link instead.");
  const limit = sizeLimit(media, file.type);
  if (limit === null) {
    return interpolate(gettext("This channel does not take files of this kind: %(name)s. Send a link instead."), {
      name: file.name,
    });
  }
  if (file.size === 0) return interpolate(gettext("%(name)s is empty."), { name: file.name });
  if (file.size > limit) {
    return interpolate(gettext("%(name)s is too large: this channel takes up to %(size)s."), {
      name: file.name,
      size: fileSize(limit),
    });
  }
  return null;
}
