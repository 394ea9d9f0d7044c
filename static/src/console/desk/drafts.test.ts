import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Drafts } from "./drafts.svelte";

let saved: [string, string][];
let broken: boolean;
let drafts: Drafts;

beforeEach(() => {
  vi.useFakeTimers();
  saved = [];
  broken = false;
  drafts = new Drafts({
    save: (conversation, text) => {
      if (broken) return Promise.reject(new Error("no line"));
      saved.push([conversation, text]);
      return Promise.resolve();
    },
    delay: 700,
  });
});

afterEach(() => {
  vi.useRealTimers();
});

test("a draft is saved a moment after the last key", async () => {
  drafts.write("CH1", "H");
  await vi.advanceTimersByTimeAsync(600);
  drafts.write("CH1", "Hi");
  await vi.advanceTimersByTimeAsync(699);
  expect(saved).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(saved).toEqual([["CH1", "Hi"]]);
});

test("sending clears it at once", async () => {
  drafts.write("CH1", "Hi");
  drafts.clear("CH1");
  await vi.advanceTimersByTimeAsync(2_000);
  expect(saved).toEqual([["CH1", ""]]);
  expect(drafts.of("CH1")).toBe("");
});

test("another tab's text comes in, but never over what is not saved here", async () => {
  drafts.receive("CH1", "from the other tab");
  expect(drafts.of("CH1")).toBe("from the other tab");
  drafts.write("CH1", "typed here");
  drafts.receive("CH1", "late news");
  expect(drafts.of("CH1")).toBe("typed here");
  await vi.advanceTimersByTimeAsync(700);
  drafts.receive("CH1", "after the save");
  expect(drafts.of("CH1")).toBe("after the save");
});

test("what could not be saved is saved when the line is back", async () => {
  broken = true;
  drafts.write("CH1", "Hi");
  await vi.advanceTimersByTimeAsync(700);
  drafts.receive("CH1", "");
  expect(drafts.of("CH1")).toBe("Hi");
  broken = false;
  drafts.flush();
  await vi.advanceTimersByTimeAsync(0);
  expect(saved).toEqual([["CH1", "Hi"]]);
});
