import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ServerFrame } from "./protocol";
import { backoff } from "../shared/line";
import { ANSWER_WITHIN, ConsoleSocket, PING_EVERY, PONG_WITHIN, type Connection, type Wire } from "./socket";

/** A server's end of the line, in memory. */
class Line implements Wire {
  readyState = 1;
  onopen: Wire["onopen"] = null;
  onmessage: Wire["onmessage"] = null;
  onclose: Wire["onclose"] = null;
  onerror: Wire["onerror"] = null;
  sent: Record<string, unknown>[] = [];
  closed = false;

  send(data: string): void {
    this.sent.push(JSON.parse(data) as Record<string, unknown>);
  }
  close(): void {
    this.closed = true;
    this.readyState = 3;
  }
  say(frame: unknown): void {
    this.onmessage?.({ data: JSON.stringify(frame) } as MessageEvent);
  }
  welcome(): void {
    this.say({ type: "welcome", user: {}, worker_sid: "WK1", server_time: "", dispositions: [] });
  }
  cut(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code } as CloseEvent);
  }
  asked(type: string): Record<string, unknown>[] {
    return this.sent.filter((frame) => frame["type"] === type);
  }
}

let lines: Line[];
let states: Connection["state"][];
let frames: ServerFrame[];
let ready: number;
let signedIn: boolean;
let socket: ConsoleSocket;

function line(): Line {
  return lines[lines.length - 1]!;
}

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  states = [];
  frames = [];
  ready = 0;
  signedIn = true;
  socket = new ConsoleSocket({
    open: () => {
      const made = new Line();
      lines.push(made);
      return made;
    },
    onConnection: (connection) => states.push(connection.state),
    onWelcome: () => {},
    onReady: () => ready++,
    onFrame: (frame) => frames.push(frame),
    stillSignedIn: () => Promise.resolve(signedIn),
    random: () => 1,
  });
  socket.start();
});

afterEach(() => {
  socket.stop();
  vi.useRealTimers();
});

test("online after the welcome, and asked to subscribe then", () => {
  expect(states).toEqual(["connecting"]);
  line().welcome();
  expect(states).toEqual(["connecting", "online"]);
  expect(ready).toBe(1);
});

test("an answer finds its request, a refusal is an error with code and words", async () => {
  line().welcome();
  const good = socket.request("reservation.accept", { reservation: "WR1" });
  const bad = socket.request("reservation.reject", { reservation: "WR2" });
  const [first, second] = line().sent;
  line().say({ type: "refused", id: second!["id"], code: "routing.reservation_expired", message: "Too late." });
  line().say({ type: "ok", id: first!["id"], conversation: "CH1" });

  await expect(good).resolves.toMatchObject({ conversation: "CH1" });
  await expect(bad).rejects.toMatchObject({ code: "routing.reservation_expired", message: "Too late." });
});

test("a command without an answer fails after a while and the line is doubted", async () => {
  line().welcome();
  const lost = socket.request("activity.set", { activity: "WA1" });
  const failed = expect(lost).rejects.toThrow("No connection");
  await vi.advanceTimersByTimeAsync(ANSWER_WITHIN);
  await failed;
  expect(line().asked("ping")).toHaveLength(1);
});

test("commands fail at once while there is no line, and when it breaks", async () => {
  await expect(socket.request("activity.set", { activity: "WA1" })).rejects.toThrow("No connection");
  line().welcome();
  const cut = expect(socket.request("activity.set", { activity: "WA1" })).rejects.toThrow("No connection");
  line().cut();
  await cut;
});

test("it pings every 20 s and replaces a line that does not answer", async () => {
  line().welcome();
  await vi.advanceTimersByTimeAsync(PING_EVERY);
  expect(line().asked("ping")).toHaveLength(1);
  line().say({ type: "pong" });
  await vi.advanceTimersByTimeAsync(PING_EVERY);
  expect(line().asked("ping")).toHaveLength(2);
  const dead = line();
  await vi.advanceTimersByTimeAsync(PONG_WITHIN);
  expect(dead.closed).toBe(true);
  expect(states.at(-1)).toBe("waiting");
  await vi.advanceTimersByTimeAsync(500);
  expect(lines).toHaveLength(2);
  line().welcome();
  expect(ready).toBe(2);
});

test("a poke is answered at once", () => {
  line().welcome();
  line().say({ type: "poke" });
  expect(line().asked("ping")).toHaveLength(1);
});

test("attempts back off, with chance, up to 15 s", () => {
  expect([0, 1, 2, 5, 20].map((n) => backoff(n, () => 1))).toEqual([500, 1000, 2000, 15000, 15000]);
  expect(backoff(2, () => 0)).toBe(1000);
});

test("a cut line is replaced, later attempts wait longer, a welcome resets that", async () => {
  line().welcome();
  line().cut();
  await vi.advanceTimersByTimeAsync(500);
  line().cut();
  await vi.advanceTimersByTimeAsync(999);
  expect(lines).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(lines).toHaveLength(3);
  line().welcome();
  line().cut();
  await vi.advanceTimersByTimeAsync(500);
  expect(lines).toHaveLength(4);
});

test("a server that never welcomes is given up on after 10 s", async () => {
  await vi.advanceTimersByTimeAsync(10_000);
  expect(states.at(-1)).toBe("waiting");
});

test.each([
  ["a bye because of signing out", (one: Line) => one.say({ type: "bye", reason: "signed_out" })],
  ["the close code for it", (one: Line) => one.cut(4401)],
])("%s ends the attempts", async (_name, end) => {
  line().welcome();
  end(line());
  await vi.advanceTimersByTimeAsync(60_000);
  expect(states.at(-1)).toBe("closed");
  expect(lines).toHaveLength(1);
});

test("other byes reconnect", async () => {
  line().welcome();
  line().say({ type: "bye", reason: "silent" });
  await vi.advanceTimersByTimeAsync(500);
  expect(lines).toHaveLength(2);
});

test("a refused handshake asks whether the session still stands, and stops when not", async () => {
  signedIn = false;
  line().cut();
  await vi.advanceTimersByTimeAsync(500);
  line().cut();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(states.at(-1)).toBe("closed");
  expect(lines).toHaveLength(2);
});

test("the browser going offline and back reconnects at once", () => {
  line().welcome();
  window.dispatchEvent(new Event("offline"));
  expect(states.at(-1)).toBe("offline");
  window.dispatchEvent(new Event("online"));
  expect(states.at(-1)).toBe("connecting");
  expect(lines).toHaveLength(2);
});

test("frames that are no answers are handed on, nonsense is not", () => {
  line().welcome();
  line().say({ type: "typing", conversation: "CH1", who: "customer", active: true });
  line().onmessage?.({ data: "{nonsense" } as MessageEvent);
  line().say([1]);
  expect(frames).toEqual([{ type: "typing", conversation: "CH1", who: "customer", active: true }]);
});
