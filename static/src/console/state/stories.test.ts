/** The server's own sample frames: what it sends, and what it says the state must be after them. */

import { expect, test } from "vitest";
import server from "../../../../tests/agents/frames/server.json";
import stories from "../../../../tests/agents/frames/stories.json";
import type { ServerFrame } from "../protocol";
import { parseFrame, WORKER_STREAM } from "../protocol";
import { applyConversationEvent, conversationFromSnapshot, type ConversationState } from "./conversation";
import { applyWorkerEvent, workerFromSnapshot, type WorkerState } from "./worker";

interface Story {
  name: string;
  stream: string;
  frames: ServerFrame[];
  state: unknown;
}

function play(story: Story): unknown {
  let worker: WorkerState | null = null;
  let conversation: ConversationState | null = null;
  for (const frame of story.frames) {
    const isWorker = story.stream === WORKER_STREAM;
    if (frame.type === "gone") conversation = worker = null;
    if (frame.type === "snapshot" && isWorker) worker = workerFromSnapshot(frame);
    if (frame.type === "snapshot" && !isWorker) conversation = conversationFromSnapshot(frame);
    if (frame.type === "event" && worker) {
      const applied = applyWorkerEvent(worker, frame);
      expect(applied.verdict).not.toBe("gap");
      worker = applied.state;
    }
    if (frame.type === "event" && conversation) {
      const applied = applyConversationEvent(conversation, frame);
      expect(applied.verdict).not.toBe("gap");
      conversation = applied.state;
    }
  }
  return worker ?? conversation;
}

test.each((stories as unknown as Story[]).map((story) => [story.name, story] as const))("story: %s", (_name, story) => {
  expect(play(story)).toEqual(story.state);
});

test("every frame of the server is read as what it is", () => {
  expect(server.length).toBeGreaterThan(10);
  for (const { frame } of server) expect(parseFrame(JSON.stringify(frame))).toEqual(frame);
});
