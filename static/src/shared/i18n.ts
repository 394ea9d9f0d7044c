/**
 * Translations come from Django's JavaScriptCatalog, which the page loads before us (`/jsi18n/`). Without it (tests,
 * a catalog that failed to load) everything falls back to the English source string.
 *
 * Every call has a literal, double-quoted string, so that our `manage.py makemessages -d djangojs -e ts,svelte` finds it.
 */

interface Catalog {
  gettext?: (text: string) => string;
  ngettext?: (one: string, many: string, count: number) => string;
}

function catalog(): Catalog {
  return globalThis as unknown as Catalog;
}

export function gettext(text: string): string {
  return catalog().gettext?.(text) ?? text;
}

export function ngettext(one: string, many: string, count: number): string {
  return catalog().ngettext?.(one, many, count) ?? (count === 1 ? one : many);
}

const RTL = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const LTR = /[A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u052f]/;

export function isRtl(): boolean {
  return typeof document !== "undefined" && document.documentElement.dir === "rtl";
}

/** The direction of a field people type into: by its text, and the page's own while there is none. */
export function typedDir(text: string): "auto" | "rtl" | "ltr" {
  return text ? "auto" : isRtl() ? "rtl" : "ltr";
}

/** A foreign-script name inside a sentence must not pull the punctuation around it to the wrong side. */
function isolate(value: string): string {
  return (isRtl() ? LTR : RTL).test(value) ? `\u2068${value}\u2069` : value;
}

/** Fills Django's named placeholders: `interpolate(text, {name})` turns `%(name)s` into the name. */
export function interpolate(text: string, values: Record<string, string | number>): string {
  return text.replace(/%\((\w+)\)[sd]/g, (whole: string, name: string) => {
    const value = values[name];
    return value === undefined ? whole : isolate(String(value));
  });
}
