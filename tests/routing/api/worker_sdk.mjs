// The npm package `twilio-taskrouter`, unmodified, as one worker: every step it takes is one line of JSON on stdout,
// every line of JSON on stdin is a command. Arguments: token, base URL (http://host:port/taskrouter/v1/wschannels).
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { Worker } = createRequire(import.meta.url)("twilio-taskrouter");
const [token, url] = process.argv.slice(2);
const say = (what, facts = {}) => process.stdout.write(`${JSON.stringify({ what, ...facts })}\n`);

const worker = new Worker(token, {
  ebServer: url,
  wsServer: url.replace(/^http/, "ws"),
  logLevel: "error",
  closeExistingSessions: process.argv.includes("--close-others"),
});

const follow = (reservation) => {
  for (const name of ["accepted", "canceled", "completed", "rejected", "rescinded", "timeout", "wrapup"])
    reservation.on(name, (row) => say(`reservation.${name}`, { sid: row.sid, status: row.status }));
  for (const name of ["canceled", "completed", "transferInitiated", "updated", "wrapup"])
    reservation.task.on(name, (row) => say(`task.${name}`, { sid: row.sid, status: row.status, attributes: row.attributes }));
  reservation.task.on("transferInitiated", (transfer) => {
    for (const name of ["attemptFailed", "canceled", "completed", "failed"])
      transfer.on(name, (row) => say(`transfer.${name}`, { sid: row.sid, status: row.status }));
  });
};

worker.on("ready", (row) => {
  for (const reservation of row.reservations.values()) follow(reservation);
  for (const channel of row.channels.values()) {
    channel.on("capacityUpdated", (c) => say("capacityUpdated", { channel: c.taskChannelUniqueName, capacity: c.capacity }));
    channel.on("availabilityUpdated", (c) => say("availabilityUpdated", { channel: c.taskChannelUniqueName, available: c.available }));
  }
  say("ready", {
    name: row.name,
    activity: row.activity.name,
    activities: [...row.activities.values()].map((one) => one.name),
    channels: [...row.channels.values()].map((one) => [one.taskChannelUniqueName, one.capacity]),
    reservations: [...row.reservations.values()].map((one) => one.sid),
    attributes: row.attributes,
  });
});
worker.on("activityUpdated", (row) => say("activityUpdated", { activity: row.activity.name }));
worker.on("attributesUpdated", (row) => say("attributesUpdated", { attributes: row.attributes }));
worker.on("reservationCreated", (row) => {
  follow(row);
  say("reservationCreated", { sid: row.sid, task: row.task.sid, status: row.status, attributes: row.task.attributes,
    queue: row.task.queueName, timeout: row.timeout, incoming: row.task.transfers.incoming?.mode ?? null });
});
worker.on("error", (error) => say("error", { message: String(error.message ?? error) }));
worker.on("disconnected", (row) => say("disconnected", { message: row.message }));
worker.on("tokenExpired", () => say("tokenExpired"));

const reservation = (sid) => worker.reservations.get(sid);
const commands = {
  activity: ({ name }) => [...worker.activities.values()].find((one) => one.name === name).setAsCurrent(),
  attributes: ({ attributes }) => worker.setAttributes(attributes),
  accept: ({ sid }) => reservation(sid).accept(),
  reject: ({ sid }) => reservation(sid).reject(),
  wrap: ({ sid }) => reservation(sid).wrap(),
  complete: ({ sid, reason }) => reservation(sid).task.complete(reason),
  taskAttributes: ({ sid, attributes }) => reservation(sid).task.setAttributes(attributes),
  transfer: ({ sid, to, mode }) => reservation(sid).task.transfer(to, { mode }),
  cancelTransfer: ({ sid }) => reservation(sid).task.transfers.outgoing.cancel(),
};
createInterface({ input: process.stdin }).on("line", async (line) => {
  const command = JSON.parse(line);
  try {
    await commands[command.do](command);
    say("done", { do: command.do });
  } catch (error) {
    say("failed", { do: command.do, message: String(error.message) });
  }
}).on("close", () => process.exit(0));
