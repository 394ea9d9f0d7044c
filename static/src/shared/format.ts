/** Times, durations and sizes as people read them. Digits stay Latin in Arabic: timers and phone numbers mix badly. */

import { gettext, interpolate } from "./i18n";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let locale = "en";

export function setLocale(language: string): void {
  locale = language === "ar" ? "ar-u-nu-latn" : language;
  formats.clear();
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify(options);
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(locale, options);
    formats.set(key, found);
  }
  return found;
}

export function parseTime(iso: string | null | undefined): number | null {
  if (!iso) return null;
  const at = Date.parse(iso);
  return Number.isNaN(at) ? null : at;
}

export function clockTime(at: number): string {
  return format({ hour: "2-digit", minute: "2-digit" }).format(at);
}

export function fullTime(at: number): string {
  return format({ dateStyle: "full", timeStyle: "medium" }).format(at);
}

/** Days since some fixed midnight, in the reader's zone: equal exactly for two moments of one day. */
export function dayNumber(at: number): number {
  const date = new Date(at);
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY);
}

export function dayLabel(at: number, now: number): string {
  const days = dayNumber(now) - dayNumber(at);
  if (days === 0) return gettext("Today");
  if (days === 1) return gettext("Yesterday");
  if (days > 1 && days < 7) return format({ weekday: "long" }).format(at);
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return format(
    sameYear ? { weekday: "short", day: "numeric", month: "long" } : { day: "numeric", month: "long", year: "numeric" },
  ).format(at);
}

/** For lists: the time today, else the day. */
export function listTime(at: number, now: number): string {
  const days = dayNumber(now) - dayNumber(at);
  if (days === 0) return clockTime(at);
  if (days === 1) return gettext("Yesterday");
  return format({ day: "numeric", month: "short" }).format(at);
}

/** A running timer: 0:07, 12:30, 1:02:09. */
export function timer(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / SECOND));
  const two = (value: number): string => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** About how long, in at most two units: 45 s, 12 min, 3 h 5 min, 2 d 4 h. */
export function roughly(milliseconds: number): string {
  const left = Math.max(0, milliseconds);
  if (left < MINUTE) return interpolate(gettext("%(n)s s"), { n: Math.floor(left / SECOND) });
  if (left < HOUR) return interpolate(gettext("%(n)s min"), { n: Math.floor(left / MINUTE) });
  if (left < DAY) {
    const minutes = Math.floor((left % HOUR) / MINUTE);
    const hours = Math.floor(left / HOUR);
    return minutes
      ? interpolate(gettext("%(h)s h %(m)s min"), { h: hours, m: minutes })
      : interpolate(gettext("%(h)s h"), { h: hours });
  }
  const days = Math.floor(left / DAY);
  const hours = Math.floor((left % DAY) / HOUR);
  return hours
    ? interpolate(gettext("%(d)s d %(h)s h"), { d: days, h: hours })
    : interpolate(gettext("%(d)s d"), { d: days });
}

export function fileSize(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return "";
  if (bytes < 1000) return interpolate(gettext("%(n)s B"), { n: bytes });
  if (bytes < 1_000_000) return interpolate(gettext("%(n)s kB"), { n: Math.round(bytes / 1000) });
  return interpolate(gettext("%(n)s MB"), { n: (bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0) });
}

export function languageName(code: string): string {
  if (!code) return "";
  try {
    return new Intl.DisplayNames([locale], { type: "language" }).of(code) ?? code;
  } catch {
    return code; // not a language tag: show what there is
  }
}

/** Two letters for an avatar; works for any script. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const first = (word: string | undefined): string => (word ? ([...word][0] ?? "") : "");
  const letters = words.length > 1 ? first(words[0]) + first(words[words.length - 1]) : first(words[0]);
  return letters.toLocaleUpperCase(locale) || "?";
}

/** A stable small number for a string: the colour of an avatar. */
export function hue(text: string, colours: number): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) | 0;
  return Math.abs(hash) % colours;
}
