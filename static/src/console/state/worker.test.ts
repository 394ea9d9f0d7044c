import { expect, test } from "vitest";
import { event, reservation, snapshot, worker } from "./fixtures";
import { accepted, applyWorkerEvent, offers, workerFromSnapshot, type WorkerState } from "./worker";

function state(): WorkerState {
  return workerFromSnapshot(
    snapshot("worker", 4, {
      worker: worker(),
      reservations: [reservation("WR2", { status: "accepted" }), reservation("WR1")],
      activities: [],
    }),
  );
}

test("offers and conversations are told apart, oldest first", () => {
  const now = applyWorkerEvent(state(), event("worker", 5, { reservation: reservation("WR0") })).state;
  expect(offers(now).map((one) => one.sid)).toEqual(["WR0", "WR1"]);
  expect(accepted(now).map((one) => one.sid)).toEqual(["WR2"]);
});

test.each(["rejected", "timeout", "rescinded", "canceled", "completed"] as const)(
  "a reservation that is %s leaves the state",
  (status) => {
    const { state: after } = applyWorkerEvent(state(), event("worker", 5, { reservation: reservation("WR1", { status }) }));
    expect(after.reservations.map((one) => one.sid)).toEqual(["WR2"]);
    expect(after.seq).toBe(5);
  },
);

test("a wrapping reservation stays", () => {
  const changed = reservation("WR2", { status: "wrapping" });
  const { state: after } = applyWorkerEvent(state(), event("worker", 5, { reservation: changed }));
  expect(after.reservations).toEqual([changed, reservation("WR1")]);
});

test("the worker is replaced whole", () => {
  const busy = worker({ load: 3, activity: { sid: "WA2", name: "Break", available: false } });
  expect(applyWorkerEvent(state(), event("worker", 5, { worker: busy })).state.worker).toBe(busy);
});

test("old events and gaps change nothing", () => {
  const before = state();
  expect(applyWorkerEvent(before, event("worker", 4, { worker: worker({ load: 9 }) }))).toEqual({
    state: before,
    verdict: "old",
  });
  expect(applyWorkerEvent(before, event("worker", 6, { worker: worker({ load: 9 }) }))).toEqual({
    state: before,
    verdict: "gap",
  });
});
