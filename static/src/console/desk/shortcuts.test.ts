import { expect, test } from "vitest";
import { command } from "./shortcuts";

function press(fields: Partial<KeyboardEvent>): KeyboardEvent {
  return { ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, code: "", key: "", ...fields } as KeyboardEvent;
}

test("keys are found by their place: an Arabic layout has the same shortcuts", () => {
  expect(command(press({ ctrlKey: true, shiftKey: true, code: "KeyA", key: "ش" }))).toBe("accept");
  expect(command(press({ metaKey: true, shiftKey: true, code: "KeyR", key: "R" }))).toBe("reject");
  expect(command(press({ altKey: true, key: "ArrowDown", code: "ArrowDown" }))).toBe("next");
});

test("ordinary typing and the browser's own keys are left alone", () => {
  expect(command(press({ code: "KeyA", key: "a" }))).toBeNull();
  expect(command(press({ shiftKey: true, code: "KeyA", key: "A" }))).toBeNull();
  expect(command(press({ ctrlKey: true, code: "KeyA" }))).toBeNull();
  expect(command(press({ ctrlKey: true, shiftKey: true, altKey: true, code: "KeyA" }))).toBeNull();
  expect(command(press({ ctrlKey: true, shiftKey: true, code: "KeyI" }))).toBeNull();
});
