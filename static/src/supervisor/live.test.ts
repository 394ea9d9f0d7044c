import { afterEach, expect, it, vi } from "vitest";
import { Live } from "./live.svelte";
import { apply, type Board, type StateFrame, type Task } from "./wire";

function task(sid: string, priority = 0): Task {
  return {
    sid,
    status: "pending",
    priority,
    since: "2026-03-02T09:00:00+00:00",
    queue: null,
    task_channel: "chat",
    conversation: null,
    customer: "",
  };
}

function state(...tasks: Task[]): StateFrame {
  return {
    type: "state",
    server_time: "2026-03-02T09:00:00+00:00",
    may: { agents: true, tasks: true },
    activities: [],
    task_channels: [],
    totals: { agents: 0, available: 0 },
    queues: [],
    agents: [],
    tasks,
  };
}

function board(...tasks: Task[]): Board {
  const made = apply(null, state(...tasks));
  if (!made) throw new Error("no board");
  return made;
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("replaces what changed in its place, adds what is new and takes out what is gone", () => {
  const before = board(task("a"), task("b"), task("c"));

  const after = apply(before, {
    type: "changes",
    server_time: "",
    tasks: { changed: [task("d"), task("b", 7)], gone: ["a"] },
  });

  expect(after?.tasks.map((one) => [one.sid, one.priority])).toEqual([
    ["b", 7],
    ["c", 0],
    ["d", 0],
  ]);
  expect(after?.queues).toBe(before.queues);
});

it("takes over what else changed", () => {
  const after = apply(board(), { type: "changes", server_time: "", totals: { agents: 3, available: 1 } });

  expect(after?.totals).toEqual({ agents: 3, available: 1 });
  expect(after?.may).toEqual({ agents: true, tasks: true });
});

it("waits for a whole state first", () => {
  expect(apply(null, { type: "changes", server_time: "", tasks: { changed: [task("a")], gone: [] } })).toBeNull();
});

it("counts ages by the server's clock", () => {
  vi.useFakeTimers({ now: Date.parse("2026-03-02T10:30:00Z") }); // this browser is 90 minutes ahead
  const live = new Live("/ws/supervision/");

  live.receive(JSON.stringify({ ...state(), server_time: "2026-03-02T09:00:00Z" }));

  expect(live.age("2026-03-02T08:59:30Z")).toBe(30_000);
  expect(live.age("2026-03-02T09:00:30Z")).toBe(0);
  expect(live.age(null)).toBe(0);
});

it("says that a workspace is none of theirs, and looks at another", () => {
  const opened: string[] = [];
  vi.stubGlobal(
    "WebSocket",
    class {
      readyState = 0;
      onmessage = null;
      onclose = null;
      constructor(url: string) {
        opened.push(url);
      }
      close(): void {}
    },
  );
  const live = new Live("/ws/supervision/?workspace=WS1");
  live.receive(JSON.stringify(state(task("a"))));

  live.receive('{"type":"bye","reason":"no_workspace"}');
  const refused = live.line;
  live.turn("/ws/supervision/?workspace=WS2");

  expect(refused).toBe("refused");
  expect([live.line, live.board]).toEqual(["connecting", null]);
  expect(opened).toEqual([`ws://${window.location.host}/ws/supervision/?workspace=WS2`]);
});

it("ends when the server says goodbye", () => {
  const live = new Live("/ws/supervision/");

  live.receive('{"type":"bye","reason":"signed_out"}');

  expect(live.line).toBe("closed");
});
