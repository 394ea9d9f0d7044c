/** What the screen is; the same border as in the style sheets. */

import { MediaQuery } from "svelte/reactivity";

/** One column with a navigation at the bottom. */
export const phone = new MediaQuery("max-width: 760px");
