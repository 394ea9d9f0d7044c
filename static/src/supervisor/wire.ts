/** What the live view's server tells, and the orders to it. */

import { request } from "../shared/http";

export interface Sla {
  share: number | null;
  within: number;
  counted: number;
}

export interface Queue {
  sid: string;
  name: string;
  waiting: number;
  offered: number;
  assigned: number;
  eligible_workers: number;
  available_workers: number;
  waiting_since: string | null;
  sla_target: number;
  sla_today: Sla;
  sla_30_min: Sla;
}

export interface Activity {
  sid: string;
  name: string;
  available: boolean;
}

export interface AgentChannel {
  task_channel: string;
  capacity: number;
  load: number;
  available: boolean;
}

export interface Agent {
  sid: string;
  name: string;
  activity: Activity;
  activity_since: string;
  attributes: Record<string, unknown>;
  channels: AgentChannel[];
  load: number;
  capacity: number;
  tasks: { sid: string; status: string }[];
}

export interface Task {
  sid: string;
  status: string;
  priority: number;
  since: string;
  queue: { sid: string; name: string } | null;
  task_channel: string;
  conversation: string | null;
  customer: string;
}

export interface Rest {
  may: { agents: boolean; tasks: boolean };
  activities: Activity[];
  task_channels: { name: string; label: string }[];
  totals: { agents: number; available: number };
}

interface Change<Row> {
  changed: Row[];
  gone: string[];
}

export interface StateFrame extends Rest {
  type: "state";
  server_time: string;
  queues: Queue[];
  agents: Agent[];
  tasks: Task[];
}

export interface ChangesFrame extends Partial<Rest> {
  type: "changes";
  server_time: string;
  queues?: Change<Queue>;
  agents?: Change<Agent>;
  tasks?: Change<Task>;
}

export type Frame = StateFrame | ChangesFrame | { type: "pong" } | { type: "bye"; reason: string };

export interface Board extends Rest {
  queues: Queue[];
  agents: Agent[];
  tasks: Task[];
}

/** The board after a frame. Rows keep their places; new ones come last. Without a state before, changes mean nothing. */
export function apply(board: Board | null, frame: StateFrame | ChangesFrame): Board | null {
  if (frame.type === "state") {
    const { type: _type, server_time: _time, ...rest } = frame;
    return rest;
  }
  if (!board) return null;
  const { type: _type, server_time: _time, queues, agents, tasks, ...rest } = frame;
  return {
    ...board,
    ...rest,
    queues: merge(board.queues, queues),
    agents: merge(board.agents, agents),
    tasks: merge(board.tasks, tasks),
  };
}

function merge<Row extends { sid: string }>(rows: Row[], change: Change<Row> | undefined): Row[] {
  if (!change) return rows;
  const changed = new Map(change.changed.map((row) => [row.sid, row]));
  const gone = new Set(change.gone);
  const kept = rows.filter((row) => !gone.has(row.sid)).map((row) => changed.get(row.sid) ?? row);
  const known = new Set(kept.map((row) => row.sid));
  return [...kept, ...change.changed.filter((row) => !known.has(row.sid))];
}

export interface AgentOrder {
  activity?: string;
  languages?: string[];
  skills?: string[];
  departments?: string[];
  capacity?: number;
  channels?: Record<string, { capacity: number; available: boolean }>;
}

export interface TaskOrder {
  move?: string;
  priority?: number;
  cancel?: boolean;
}

export function orderAgent(sid: string, order: AgentOrder): Promise<unknown> {
  return request("POST", `/api/supervision/agents/${sid}/`, order);
}

export function orderTask(sid: string, order: TaskOrder): Promise<unknown> {
  return request("POST", `/api/supervision/tasks/${sid}/`, order);
}
