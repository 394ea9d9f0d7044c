import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Session } from "./session.svelte";
import { pretty, toBase64, type State } from "./wire";

const LINA = "7340150028816001";

function state(version: number, unread = 0): State {
  return {
    slug: "messenger",
    label: "Messenger",
    title: "Demo shop",
    version,
    actions: ["text"],
    failures: [],
    armed: [],
    personas: [{ address: LINA, name: "Lina", language: "en", note: "", unread, typing: false, last_text: "" }],
    chats: { [LINA]: [] },
    log: [],
  };
}

/** A server with one state; every request it got. */
function serve(answers: { state: State | null; act?: () => Response }): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (url: string, init?: RequestInit) => {
    asked.push(`${init?.method ?? "GET"} ${url} ${typeof init?.body === "string" ? init.body : ""}`.trim());
    if (url.includes("/act")) return Promise.resolve(answers.act?.() ?? Response.json({ status: 200 }));
    return Promise.resolve(answers.state ? Response.json(answers.state) : new Response(null, { status: 204 }));
  });
  return asked;
}

beforeEach(() => vi.stubGlobal("WebSocket", class {}));
afterEach(() => vi.unstubAllGlobals());

describe("a session", () => {
  it("asks for what is newer than what it holds", async () => {
    const asked = serve({ state: state(7) });
    const session = new Session("messenger");

    await session.look();
    await session.look();

    expect(asked).toEqual([
      "GET /channels/messenger/simulator/api/state?version=",
      "GET /channels/messenger/simulator/api/state?version=7",
    ]);
    expect(session.persona?.name).toBe("Lina");
  });

  it("makes one more request of many hints that come while one runs", async () => {
    const asked = serve({ state: state(1) });
    const session = new Session("messenger");

    await Promise.all([session.look(), session.look(), session.look(), session.look()]);
    await session.look();

    expect(asked.length).toBe(3);
  });

  it("reads what the phone shows", async () => {
    const asked = serve({ state: state(1, 2) });

    await new Session("messenger").look();

    expect(asked.at(-1)).toBe(
      `POST /channels/messenger/simulator/api/act {"persona":"${LINA}","action":"read","data":{}}`,
    );
  });

  it("tells a refusal in the server's words", async () => {
    serve({ state: state(1), act: () => Response.json({ code: "simulator.empty", message: "Write something." }, { status: 409 }) });
    const session = new Session("messenger");
    await session.look();

    expect(await session.do("text", { text: "" })).toBeNull();
    expect(session.problem).toBe("Write something.");
  });

  it("holds what it has while the server is away", async () => {
    serve({ state: state(3) });
    const session = new Session("messenger");
    await session.look();
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("away")));

    await session.look();

    expect(session.state?.version).toBe(3);
  });
});

describe("the wire", () => {
  it("is indented when it is JSON and left alone otherwise", () => {
    expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}');
    expect(pretty("<html>")).toBe("<html>");
  });

  it("carries files as base64", async () => {
    expect(await toBase64(new Blob(["abc"]))).toBe("YWJj");
  });
});
