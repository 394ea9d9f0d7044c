/** What every page's socket needs: its address, and how long to wait before trying again. */

const FIRST = 500;
const MOST = 15_000;

export function socketUrl(path: string, location: Location = window.location): string {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}`;
}

/** Delay before attempt `n` (0 = the first after a loss): doubles up to `most`, with half of it left to chance. */
export function backoff(attempt: number, random: () => number = Math.random, most = MOST): number {
  const delay = Math.min(most, FIRST * 2 ** attempt);
  return delay / 2 + (delay / 2) * random();
}
