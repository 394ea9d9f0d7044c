import { beforeEach, expect, test } from "vitest";
import { Memory, area } from "./storage";

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});

test("storage that refuses is replaced by memory", () => {
  const refusing = area(() => {
    throw new DOMException("denied", "SecurityError");
  });
  refusing.set("a", "1");
  expect([refusing.get("a"), refusing.keys()]).toEqual(["1", ["a"]]);
  refusing.remove("a");
  expect(refusing.get("a")).toBeNull();
});

test("storage that fills up is continued in memory", () => {
  const full = { length: 0, key: () => null, getItem: () => null, removeItem: () => undefined, clear: () => undefined } as unknown as Storage;
  let calls = 0;
  full.setItem = () => {
    if (calls++) throw new DOMException("full", "QuotaExceededError");
  };
  const kept = area(() => full);
  kept.set("a", "1");
  expect(kept.get("a")).toBe("1");
});

test("storage with rubbish in it is survived", () => {
  const local = area(() => localStorage);
  local.set("contactcenter:shop:out:x", "{");
  local.set("contactcenter:shop:out:y", '{"cid":5}');
  local.set("contactcenter:shop:claims", "[");
  const memory = new Memory("shop", local, area(() => sessionStorage));
  expect(memory.kept(Date.now())).toEqual([]);
  expect(memory.claims).toBeNull();
  expect(local.keys().filter((key) => key.includes(":out:"))).toEqual([]);
});
