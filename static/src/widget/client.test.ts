// The client over a socket that is scripted: what goes over the wire, and what survives.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Client } from "./client";
import type { MessageFrame, StateFrame } from "./protocol";
import { backoff } from "./socket";
import type { Area } from "./storage";
import { Memory, area } from "./storage";
import type { Tabs } from "./tabs";

type Frame = Record<string, unknown>;

class FakeSocket {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  sent: Frame[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {
    FakeSocket.all.push(this);
  }

  static get last(): FakeSocket {
    return FakeSocket.all[FakeSocket.all.length - 1]!;
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Frame);
  }

  receive(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  close(): void {
    this.readyState = 3;
  }

  /** The server, or the network, ends it. */
  end(code: number): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  of(kind: string): Frame[] {
    return this.sent.filter((frame) => frame["t"] === kind);
  }
}

const A = `CH${"a".repeat(32)}`;
const STATE: StateFrame = {
  t: "state",
  conversation: A,
  open: true,
  owner: "worker",
  agent: { name: "Sara" },
  agent_online: true,
  read_seq: 0,
  customer_read_seq: 0,
  queue: null,
};

function message(seq: number, fields: Partial<MessageFrame> = {}): MessageFrame {
  return {
    t: "message",
    id: `IM${seq}`,
    conversation: A,
    seq,
    from: { type: "agent", name: "Sara" },
    kind: "text",
    text: "x",
    attachments: [],
    quick_replies: [],
    at: new Date().toISOString(),
    ...fields,
  };
}

function welcome(socket: FakeSocket, fields: Frame = {}): void {
  socket.open();
  socket.receive({
    t: "welcome",
    visitor_token: null,
    conversation: null,
    resumed: false,
    known: false,
    state: STATE,
    history: [],
    more: false,
    ...fields,
  });
}

let local: Area;
let told: object[];
let made: Client[] = [];

function client(): Client {
  const memory = new Memory("shop", local, area(() => sessionStorage));
  const tabs = { tell: (news: object) => told.push(news) } as unknown as Tabs;
  const one = new Client("https://desk.example", "shop", "en", memory, () => tabs);
  made.push(one);
  return one;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  FakeSocket.all = [];
  told = [];
  localStorage.clear();
  sessionStorage.clear();
  local = area(() => localStorage);
});

afterEach(() => {
  for (const one of made) one.reset(false); // or they hear the next test's events
  made = [];
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("hello", () => {
  it("carries no token in the address, and the first one none at all", () => {
    client().connect();
    FakeSocket.last.open();
    expect(FakeSocket.last.url).toBe("wss://desk.example/channels/webchat/ws?v=1");
    expect(FakeSocket.last.sent[0]).toMatchObject({ t: "hello", site: "shop", resume: null, user: null, locale: "en" });
  });

  it("of a new page brings the token and asks for the last messages", () => {
    const first = client();
    first.connect();
    welcome(FakeSocket.last, { visitor_token: "vt_1" });
    client().connect();
    FakeSocket.last.open();
    expect(FakeSocket.last.sent[0]?.["resume"]).toEqual({ token: "vt_1", conversation: null, last_seq: null });
  });

  it("after a break names the last message", () => {
    client().connect();
    welcome(FakeSocket.last, { visitor_token: "vt_1", history: [message(1), message(4)] });
    FakeSocket.last.end(1006);
    vi.advanceTimersByTime(30_000);
    FakeSocket.last.open();
    expect(FakeSocket.last.sent[0]?.["resume"]).toEqual({ token: "vt_1", conversation: A, last_seq: 4 });
  });

  it("goes without the token when it is no longer good", () => {
    client().connect();
    welcome(FakeSocket.last, { visitor_token: "vt_old" });
    FakeSocket.last.end(4009);
    expect(FakeSocket.all).toHaveLength(2);
    FakeSocket.last.open();
    expect(FakeSocket.last.sent[0]?.["resume"]).toBeNull();
  });
});

describe("a send", () => {
  it("written offline is sent when the line is back, also by the next page", () => {
    const one = client();
    one.connect();
    welcome(FakeSocket.last);
    FakeSocket.last.end(1006);
    one.say("Hello");
    const next = client();
    next.connect();
    welcome(FakeSocket.last);
    const [sent] = FakeSocket.last.of("send");
    expect(sent).toMatchObject({ text: "Hello", attachments: [] });
    expect(sent?.["cid"]).toBe(one.state.pending[0]?.cid);
  });

  it("is kept until its message comes back, then forgotten", () => {
    const one = client();
    one.connect();
    welcome(FakeSocket.last);
    one.say("Hello");
    const cid = String(FakeSocket.last.of("send")[0]?.["cid"]);
    FakeSocket.last.receive({ t: "ack", cid, at: "" });
    expect(local.keys().filter((key) => key.includes(":out:"))).toHaveLength(1);
    FakeSocket.last.receive(message(1, { cid, from: { type: "visitor", name: "" } }));
    expect(local.keys().filter((key) => key.includes(":out:"))).toHaveLength(0);
  });

  it("goes once over one connection and again over the next", () => {
    const one = client();
    one.connect();
    welcome(FakeSocket.last);
    one.say("Hello");
    vi.advanceTimersByTime(5000);
    expect(FakeSocket.last.of("send")).toHaveLength(1);
    FakeSocket.last.end(1006);
    vi.advanceTimersByTime(30_000);
    welcome(FakeSocket.last, { resumed: true });
    expect(FakeSocket.last.of("send")).toHaveLength(1);
  });

  it("that was told to slow down is sent after the wait", () => {
    const one = client();
    one.connect();
    welcome(FakeSocket.last);
    one.say("Hello");
    const cid = String(FakeSocket.last.of("send")[0]?.["cid"]);
    FakeSocket.last.receive({ t: "error", code: "rate_limited", message: "", cid, retry_ms: 3000 });
    vi.advanceTimersByTime(2500);
    expect(FakeSocket.last.of("send")).toHaveLength(1);
    vi.advanceTimersByTime(1500);
    expect(FakeSocket.last.of("send").map((frame) => frame["cid"])).toEqual([cid, cid]);
  });
});

describe("a file", () => {
  it("waits for the welcome, which brings the token it is shown with", async () => {
    const calls: string[][] = [];
    class FakeRequest {
      upload = {};
      open = (...given: string[]) => calls.push(given);
      setRequestHeader = (...given: string[]) => calls.push(given);
      send = () => undefined;
      abort = () => undefined;
    }
    vi.stubGlobal("XMLHttpRequest", FakeRequest);
    const one = client();
    one.connect();
    one.upload(new File(["x"], "x.txt"), () => undefined);
    await vi.advanceTimersByTimeAsync(100);
    expect(calls).toEqual([]);
    welcome(FakeSocket.last, { visitor_token: "vt_1" });
    await vi.advanceTimersByTimeAsync(100);
    expect(calls).toEqual([
      ["POST", "https://desk.example/channels/webchat/files/?site=shop"],
      ["Authorization", "Bearer vt_1"],
    ]);
  });

  it("is given up when nobody ever welcomes us", async () => {
    const one = client();
    one.connect();
    const { done } = one.upload(new File(["x"], "x.txt"), () => undefined);
    const failed = expect(done).rejects.toThrow("network");
    await vi.advanceTimersByTimeAsync(61_000);
    await failed;
  });
});

describe("receipts", () => {
  it("tell the highest number that arrived, once", () => {
    client().connect();
    welcome(FakeSocket.last, { conversation: A, history: [message(1)] });
    FakeSocket.last.receive(message(2));
    FakeSocket.last.receive(message(3));
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.last.of("seen")).toEqual([{ t: "seen", conversation: A, seq: 3 }]);
    expect(FakeSocket.last.of("read")).toEqual([]);
  });

  it("tell what was read, and the other tabs hear of it", () => {
    const one = client();
    one.connect();
    welcome(FakeSocket.last, { conversation: A, history: [message(1), message(2)] });
    one.read();
    one.read();
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.last.of("read")).toEqual([{ t: "read", conversation: A, seq: 2 }]);
    expect(told).toEqual([{ t: "read", cursor: { conversation: A, seq: 2 } }]);
  });

  it("say nothing of what the server knows", () => {
    client().connect();
    welcome(FakeSocket.last, { history: [message(1)], state: { ...STATE, customer_read_seq: 1 } });
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.last.sent.map((frame) => frame["t"])).toEqual(["hello"]);
  });
});

describe("typing", () => {
  it("is told at most every three seconds and ends by itself", () => {
    const one = client();
    one.connect();
    welcome(FakeSocket.last);
    for (let count = 0; count < 10; count++) {
      one.typing();
      vi.advanceTimersByTime(500);
    }
    expect(FakeSocket.last.of("typing").map((frame) => frame["on"])).toEqual([true, true]);
    vi.advanceTimersByTime(6000);
    expect(FakeSocket.last.of("typing").map((frame) => frame["on"])).toEqual([true, true, false]);
  });
});

describe("the line", () => {
  it("is tried again with growing, scattered pauses", () => {
    expect([0, 1, 2, 5, 50].map((attempt) => backoff(attempt, 1))).toEqual([1000, 2000, 4000, 30_000, 30_000]);
    expect([0, 5].map((attempt) => backoff(attempt, 0))).toEqual([500, 15_000]);
  });

  it.each([4003, 4000])("is left alone after %i", (code) => {
    const one = client();
    one.connect();
    welcome(FakeSocket.last);
    FakeSocket.last.end(code);
    vi.advanceTimersByTime(600_000);
    window.dispatchEvent(new Event("online"));
    expect(FakeSocket.all).toHaveLength(1);
    expect(one.state.connection).toBe("stopped");
  });

  it("taken by newer tabs comes back when this one is used", () => {
    const one = client();
    one.connect();
    welcome(FakeSocket.last);
    FakeSocket.last.end(4010);
    vi.advanceTimersByTime(600_000);
    expect(FakeSocket.all).toHaveLength(1);
    expect(one.state.connection).toBe("replaced");
    window.dispatchEvent(new Event("focus"));
    expect(FakeSocket.all).toHaveLength(2);
  });

  it("that answers no ping is given up", () => {
    client().connect();
    welcome(FakeSocket.last);
    vi.advanceTimersByTime(25_000);
    expect(FakeSocket.last.of("ping")).toHaveLength(1);
    vi.advanceTimersByTime(40_000);
    expect(FakeSocket.all.length).toBeGreaterThan(1);
  });

  it("that answers pings is kept", () => {
    client().connect();
    welcome(FakeSocket.last);
    for (let count = 0; count < 10; count++) {
      vi.advanceTimersByTime(25_000);
      FakeSocket.last.receive({ t: "pong" });
    }
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("is tried at once when the network comes back", () => {
    client().connect();
    welcome(FakeSocket.last);
    window.dispatchEvent(new Event("offline"));
    vi.advanceTimersByTime(100);
    expect(FakeSocket.all).toHaveLength(1);
    window.dispatchEvent(new Event("online"));
    expect(FakeSocket.all).toHaveLength(2);
  });

  it("ignores what a dead socket still says", () => {
    const one = client();
    one.connect();
    const dead = FakeSocket.last;
    welcome(dead);
    window.dispatchEvent(new Event("offline"));
    dead.receive(message(1));
    expect(one.state.messages).toEqual([]);
  });
});

describe("sign-out", () => {
  it("forgets everything of a visitor, here and in the other tabs", () => {
    const one = client();
    one.connect();
    welcome(FakeSocket.last, { visitor_token: "vt_1" });
    one.say("Hello");
    one.reset(true);
    expect(local.keys()).toEqual([]);
    expect(told).toEqual([{ t: "reset" }]);
    expect(one.state.messages).toEqual([]);
  });
});
