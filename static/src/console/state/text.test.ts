import { expect, test } from "vitest";
import { isEmojiOnly, pieces } from "./text";

test("links are found, the sentence's punctuation is not part of them", () => {
  expect(pieces("See https://a.example/x?y=1, please (www.b.example).")).toEqual([
    { text: "See " },
    { text: "https://a.example/x?y=1", href: "https://a.example/x?y=1" },
    { text: ", please (" },
    { text: "www.b.example", href: "https://www.b.example" },
    { text: ")." },
  ]);
  expect(pieces("https://a.example/w_(x)")).toEqual([{ text: "https://a.example/w_(x)", href: "https://a.example/w_(x)" }]);
});

test("nothing else becomes a link", () => {
  for (const text of ["javascript:alert(1)", "data:text/html,x", "a@b.example", "file:///etc/passwd", ""]) {
    expect(pieces(text).some((piece) => piece.href)).toBe(false);
  }
});

test("every character is kept", () => {
  const text = "  مرحبا https://a.example/؟ \n\n <b>x</b> http://b.example/«» end";
  expect(pieces(text).map((piece) => piece.text).join("")).toBe(text);
});

test("a few emoji alone are told from words", () => {
  expect(["👍", "👍🏽 🙏", "👩‍💻", "❤️"].map(isEmojiOnly)).toEqual([true, true, true, true]);
  expect(["ok 👍", "👍👍👍👍", "1", ""].map(isEmojiOnly)).toEqual([false, false, false, false]);
});
