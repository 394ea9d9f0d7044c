import { expect, test } from "vitest";
import { fillPlaceholders, insertAt, rankCanned, slashQuery } from "./canned";

test("a slash at the start or after a space asks for canned replies", () => {
  expect(slashQuery("/hel", 4)).toEqual({ query: "hel", from: 0 });
  expect(slashQuery("Hi /", 4)).toEqual({ query: "", from: 3 });
  expect(slashQuery("Hi\n/مر", 6)).toEqual({ query: "مر", from: 3 });
});

test("slashes inside words, addresses and before the caret do not", () => {
  expect(slashQuery("and/or", 6)).toBeNull();
  expect(slashQuery("https://x", 9)).toBeNull();
  expect(slashQuery("/hello world", 12)).toBeNull();
});

const replies = [
  { sid: "1", shortcut: "hours", title: "Opening hours", text: "We are open ..." },
  { sid: "2", shortcut: "hello", title: "Greeting", text: "Hello {{contact.name}}", language: "en" },
  { sid: "3", shortcut: "salam", title: "Greeting", text: "مرحبا", language: "ar" },
];

test("the best match leads", () => {
  expect(rankCanned(replies, "he", "").map((one) => one.shortcut)).toEqual(["hello"]);
  expect(rankCanned(replies, "greet", "ar").map((one) => one.shortcut)).toEqual(["salam", "hello"]);
  expect(rankCanned(replies, "", "ar")[0]?.shortcut).toBe("salam");
  expect(rankCanned(replies, "zzz", "")).toEqual([]);
});

test("placeholders are filled, unknown ones stay to be seen", () => {
  expect(fillPlaceholders("Hi {{contact.name}}, {{ agent.name }} here. {{order}}", { "contact.name": "Layla", "agent.name": "Amira" })).toBe(
    "Hi Layla, Amira here. {{order}}",
  );
});

test("inserting replaces the query and puts the caret behind", () => {
  expect(insertAt("Hi /he there", 3, 6, "Hello")).toEqual({ text: "Hi Hello there", caret: 8 });
});
