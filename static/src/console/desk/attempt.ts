import { toasts } from "./toasts.svelte";

/** Whether it was done; what went wrong is shown. */
export async function attempt(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    toasts.error(error);
    return false;
  }
}
