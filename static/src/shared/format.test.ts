import { afterEach, expect, test } from "vitest";
import { dayLabel, fileSize, initials, listTime, roughly, timer } from "./format";
import { gettext, interpolate, ngettext } from "./i18n";

afterEach(() => {
  document.documentElement.dir = "";
});

test("timers", () => {
  expect([0, 7_900, 60_000, 3_599_000, 3_729_000, -5].map(timer)).toEqual(["0:00", "0:07", "1:00", "59:59", "1:02:09", "0:00"]);
});

test("rough durations in at most two units", () => {
  const hour = 3_600_000;
  expect([45_000, 90_000, hour, 3 * hour + 300_000, 26 * hour, 48 * hour].map(roughly)).toEqual([
    "45 s",
    "1 min",
    "1 h",
    "3 h 5 min",
    "1 d 2 h",
    "2 d",
  ]);
});

test("sizes", () => {
  expect([0, 999, 20_480, 1_500_000, 26_214_400, null].map(fileSize)).toEqual(["0 B", "999 B", "20 kB", "1.5 MB", "26 MB", ""]);
});

test("initials of any script", () => {
  expect(["Amira Nasser", "layla", "", "ليلى حداد", "Ana María de la Cruz"].map(initials)).toEqual(["AN", "L", "?", "لح", "AC"]);
});

test("days by their distance", () => {
  const now = new Date(2026, 2, 10, 12).getTime();
  const day = 86_400_000;
  expect(dayLabel(now, now)).toBe("Today");
  expect(dayLabel(now - day, now)).toBe("Yesterday");
  expect(dayLabel(now - 3 * day, now)).toBe("Saturday");
  expect(listTime(now - 20 * day, now)).toBe("Feb 18");
});

test("texts fall back to English, plurals included", () => {
  expect(gettext("Accept")).toBe("Accept");
  expect([1, 2].map((n) => ngettext("%(n)s message", "%(n)s messages", n))).toEqual(["%(n)s message", "%(n)s messages"]);
});

test("placeholders: filled, unknown ones kept, foreign scripts isolated", () => {
  expect(interpolate("%(name)s is writing", { name: "Omar" })).toBe("Omar is writing");
  expect(interpolate("%(name)s and %(other)s", { name: "A" })).toBe("A and %(other)s");
  expect(interpolate("%(name)s is writing", { name: "عمر" })).toBe("\u2068عمر\u2069 is writing");
  document.documentElement.dir = "rtl";
  expect(interpolate("%(name)s يكتب", { name: "Omar" })).toBe("\u2068Omar\u2069 يكتب");
  expect(interpolate("%(name)s يكتب", { name: "عمر" })).toBe("عمر يكتب");
});
