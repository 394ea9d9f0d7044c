import { describe, expect, it } from "vitest";
import { contrast, palette, parse, readableOn } from "./color";
import { readFrame } from "./protocol";
import { Words, pickLanguage } from "./strings";
import { initials, pieces, plainName, safeHref } from "./text";

describe("links", () => {
  it("are made of http and https only, without the sentence around them", () => {
    expect(pieces("See https://a.example/x?y=1. And (http://b.example)!")).toEqual([
      { text: "See " },
      { text: "https://a.example/x?y=1", href: "https://a.example/x?y=1" },
      { text: ". And (" },
      { text: "http://b.example", href: "http://b.example/" },
      { text: ")!" },
    ]);
  });

  it("are never made of anything else", () => {
    for (const text of ["javascript:alert(1)", "data:text/html,x", "https://", "<img src=x onerror=alert(1)>", "https://[::1"]) {
      expect(pieces(text).some((piece) => piece.href)).toBe(false);
    }
    expect(safeHref("javascript:alert(1)")).toBeNull();
    expect(safeHref("//a.example")).toBeNull();
  });

  it("lose nothing of the text", () => {
    for (const text of ["", "plain", "https://a.example", "a https://a.example/(b)) c\n\nمرحبا https://b.example؟"]) {
      expect(pieces(text).map((piece) => piece.text).join("")).toBe(text);
    }
  });
});

describe("names", () => {
  it("show no tricks of direction", () => {
    expect(plainName("invoice\u202Egpj.exe")).toBe("invoicegpj.exe");
    expect(plainName("  two\n lines ")).toBe("two lines");
  });

  it("become one or two letters", () => {
    expect([initials("Sara Haddad"), initials("ليلى حداد"), initials("bob"), initials(""), initials("👩‍🍳 Cook")]).toEqual([
      "SH",
      "لح",
      "B",
      "?",
      "👩C",
    ]);
  });
});

describe("colours", () => {
  it("stay readable whatever a site picks", () => {
    for (const hex of ["#2457d6", "#ffff00", "#ffffff", "#000000", "#ff6b6b", "#1f5c4d", "#777777", "#00ff88", "nonsense"]) {
      const colors = palette(hex);
      expect(contrast(parse(colors.accent), parse(colors.on))).toBeGreaterThanOrEqual(4.5);
      expect(contrast(parse(colors.light), [255, 255, 255])).toBeGreaterThanOrEqual(4.5);
      expect(contrast(parse(colors.dark), [24, 28, 38])).toBeGreaterThanOrEqual(4.5);
    }
  });

  it("are left alone when they are readable already", () => {
    expect(palette("#1f5c4d").accent).toBe("#1f5c4d");
    expect(readableOn([0, 0, 0], [255, 255, 255])).toEqual([0, 0, 0]);
  });
});

describe("words", () => {
  it("follow the first language we have", () => {
    expect([pickLanguage("ar-SA", "en"), pickLanguage(null, "fr", "ar"), pickLanguage(undefined, "de")]).toEqual(["ar", "ar", "en"]);
  });

  it("take their values", () => {
    expect(new Words("en").say("queueNumber", { n: 3 })).toBe("You are number 3");
    expect(new Words("ar").say("typing", { name: "سارة" })).toBe("سارة يكتب الآن");
    expect(new Words("en").size(47_000)).toBe("46 kB");
  });

  it("name today and yesterday", () => {
    const words = new Words("en");
    const noon = new Date(2026, 2, 2, 12).getTime();
    expect([words.day(noon, noon), words.day(noon - 86_400_000, noon), words.day(noon - 5 * 86_400_000, noon)]).toEqual([
      "Today",
      "Yesterday",
      "Wednesday, February 25",
    ]);
  });
});

it("a frame is an object with a kind, or nothing", () => {
  expect(readFrame('{"t":"pong"}')).toEqual({ t: "pong" });
  for (const bad of ["", "{", "null", "[]", '{"t":5}', new ArrayBuffer(2), undefined]) expect(readFrame(bad)).toBeNull();
});
