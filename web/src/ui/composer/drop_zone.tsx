import { FileUp } from "lucide-react";
import { type RefObject, useEffect, useRef, useState } from "react";
import { texts } from "../../texts";

interface Props {
  /** An element inside of the area that accepts files. */
  within: RefObject<HTMLElement | null>;
  onFiles: (files: readonly File[]) => void;
}

/** Accepts files that are dropped around the composer, and shows a hint while they are held there. */
export function DropZone({ within, onFiles }: Props) {
  const [held, setHeld] = useState(false);
  const take = useRef(onFiles);
  take.current = onFiles;
  useEffect(() => {
    const area = within.current?.parentElement;
    if (area == null) return;
    // Child elements fire these events as well.
    let depth = 0;
    const hold = (by: number): void => {
      depth = Math.max(0, depth + by);
      setHeld(depth > 0);
    };
    const handlers: Record<string, (event: DragEvent) => void> = {
      dragenter: () => hold(1),
      dragleave: () => hold(-1),
      dragover: (event) => {
        if (event.dataTransfer !== null) event.dataTransfer.dropEffect = "copy";
      },
      drop: (event) => {
        hold(Number.NEGATIVE_INFINITY);
        take.current(transferredFiles(event.dataTransfer));
      },
    };
    const onDrag = (event: Event): void => {
      if (!(event instanceof DragEvent) || event.dataTransfer?.types.includes("Files") !== true) return;
      event.preventDefault();
      handlers[event.type]?.(event);
    };
    for (const name of Object.keys(handlers)) area.addEventListener(name, onDrag);
    return () => {
      for (const name of Object.keys(handlers)) area.removeEventListener(name, onDrag);
    };
  }, [within]);
  if (!held) return null;
  return (
    <div className="drop-here" aria-hidden="true">
      <FileUp className="icon" />
      {texts.dropHere}
    </div>
  );
}

/** Files that were pasted or dropped. */

/** Returns the files without folders, which browsers hand out as files that cannot be read. */
export function transferredFiles(transfer: DataTransfer | null): File[] {
  return [...(transfer?.items ?? [])]
    .filter((item) => item.kind === "file" && item.webkitGetAsEntry()?.isDirectory !== true)
    .map((item) => item.getAsFile())
    .filter((file) => file !== null);
}

/** Returns the pasted files; none for a text, to which office programs add a picture of it. */
export function pastedFiles(transfer: DataTransfer): File[] {
  const isText = transfer.types.includes("text/plain") && transfer.types.includes("text/html");
  return isText ? [] : transferredFiles(transfer);
}
