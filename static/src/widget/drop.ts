// Files dropped on the panel.

import { show } from "./dom";

/** `zone` is shown while files hang over `target`. Text and links keep the browser's own ways. */
export function acceptDrops(target: HTMLElement, zone: HTMLElement, onFiles: (files: FileList | null) => void): void {
  let over = 0; // enter and leave come for every element underneath
  const end = (): void => {
    over = 0;
    show(zone, false);
  };
  const brings = (event: DragEvent): boolean => !!event.dataTransfer?.types.includes("Files");
  target.addEventListener("dragenter", (event) => {
    if (!brings(event)) return;
    over++;
    show(zone, true);
  });
  target.addEventListener("dragleave", (event) => {
    if (brings(event) && --over <= 0) end();
  });
  target.addEventListener("dragover", (event) => {
    if (brings(event)) event.preventDefault();
  });
  target.addEventListener("drop", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    end();
    onFiles(event.dataTransfer?.files ?? null);
  });
}
