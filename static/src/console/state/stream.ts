/** What applying an event can come to. */

export type Verdict =
  | "applied"
  /** Already known: a replay overlapped with live news. */
  | "old"
  /** Something in between is missing: subscribe again with the number we have. */
  | "gap";

export interface Applied<S> {
  state: S;
  verdict: Verdict;
}

export function verdictOf(known: number, seq: number): Verdict {
  if (seq <= known) return "old";
  return seq === known + 1 ? "applied" : "gap";
}
