/** The worker's stream: a mirror of the server's snapshot, moved on by events that replace whole sub-objects. */

import type { Activity, EventFrame, Reservation, SnapshotFrame, Worker, WorkerSnapshot } from "../protocol";
import { verdictOf, type Applied } from "./stream";

export interface WorkerState {
  seq: number;
  worker: Worker;
  reservations: Reservation[];
  activities: Activity[];
}

const LIVE: ReadonlySet<string> = new Set(["pending", "accepted", "wrapping"]);

export function isLive(reservation: Reservation): boolean {
  return LIVE.has(reservation.status);
}

export function workerFromSnapshot(frame: SnapshotFrame): WorkerState {
  const state = frame.state as WorkerSnapshot;
  return {
    seq: frame.seq,
    worker: state.worker,
    reservations: state.reservations,
    activities: state.activities,
  };
}

export function applyWorkerEvent(state: WorkerState, event: EventFrame): Applied<WorkerState> {
  const verdict = verdictOf(state.seq, event.seq);
  if (verdict !== "applied") return { state, verdict };
  const { worker, reservation } = event.data;
  return {
    verdict,
    state: {
      ...state,
      seq: event.seq,
      worker: worker ?? state.worker,
      reservations: reservation ? withReservation(state.reservations, reservation) : state.reservations,
    },
  };
}

function withReservation(all: Reservation[], changed: Reservation): Reservation[] {
  if (!isLive(changed)) return all.filter((one) => one.sid !== changed.sid);
  return all.some((one) => one.sid === changed.sid)
    ? all.map((one) => (one.sid === changed.sid ? changed : one))
    : [...all, changed];
}

/** Sids are time-ordered: oldest first. */
function bySid(a: { sid: string }, b: { sid: string }): number {
  return a.sid < b.sid ? -1 : a.sid > b.sid ? 1 : 0;
}

export function offers(state: WorkerState | null): Reservation[] {
  return state?.reservations.filter((one) => one.status === "pending").sort(bySid) ?? [];
}

export function accepted(state: WorkerState | null): Reservation[] {
  return state?.reservations.filter((one) => one.status !== "pending").sort(bySid) ?? [];
}

export function conversationOf(reservation: Reservation): string | null {
  return reservation.task.conversation_sid ?? reservation.conversation?.sid ?? null;
}
