import { expect, test } from "vitest";
import { sizeLimit, whyNot } from "./files";

const media = { "image/*": 100, "image/gif": 10, "application/pdf": 50 };

test("the most exact pattern decides", () => {
  expect(sizeLimit(media, "image/gif")).toBe(10);
  expect(sizeLimit(media, "image/png")).toBe(100);
  expect(sizeLimit(media, "video/mp4")).toBeNull();
  expect(sizeLimit({ "*/*": 7 }, "")).toBe(7);
});

test("every refusal says what to do", () => {
  expect(whyNot(media, { name: "a.png", type: "image/png", size: 100 })).toBeNull();
  expect(whyNot(media, { name: "a.png", type: "image/png", size: 101 })).toBe(
    "a.png is too large: this channel takes up to 100 B.",
  );
  expect(whyNot(media, { name: "a.mp4", type: "video/mp4", size: 1 })).toBe(
    "This channel does not take files of this kind: a.mp4. Send a link instead.",
  );
  expect(whyNot({}, { name: "a.png", type: "image/png", size: 1 })).toBe(
    "This channel does not carry files. Send a link instead.",
  );
  expect(whyNot(media, { name: "a.png", type: "image/png", size: 0 })).toBe("a.png is empty.");
});
