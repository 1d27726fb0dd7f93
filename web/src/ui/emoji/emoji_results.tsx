import { useSkinTone } from "frimousse";
import type { KeyboardEvent } from "react";
import type { EmojiEntry } from "../../chat/writing/emoji";
import { texts } from "../../texts";
import { inTone } from "./picker_data";

interface Props {
  id: string;
  found: readonly EmojiEntry[];
  /** The index of the emoji that Enter picks. */
  active: number;
  columns: number;
  onPick: (emoji: string) => void;
}

/** The emoji that a search has found, the best matches first. The search field keeps the focus. */
export function EmojiResults({ id, found, active, columns, onPick }: Props) {
  const [tone] = useSkinTone();
  const rows = Array.from({ length: Math.ceil(found.length / columns) }, (_, row) => row * columns);
  if (found.length === 0) return <p className="note">{texts.emoji.none}</p>;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a table for reading has no cells to choose
    <div className="list emoji-found" role="grid" id={id} tabIndex={-1} aria-label={texts.emoji.found}>
      {rows.map((start) => (
        // biome-ignore lint/a11y/useSemanticElements: as above
        // biome-ignore lint/a11y/useFocusableInteractive: the search field has the focus
        <div key={start} role="row">
          {found.slice(start, start + columns).map((entry, column) => (
            // biome-ignore lint/a11y/useSemanticElements: as above
            <button
              key={entry.emoji}
              type="button"
              role="gridcell"
              id={cellId(id, start + column)}
              tabIndex={-1}
              aria-label={entry.label}
              title={entry.label}
              aria-selected={start + column === active}
              data-active={start + column === active ? "" : undefined}
              onClick={() => onPick(inTone(entry, tone))}
            >
              {inTone(entry, tone)}
            </button>
          ))}
        </div>
      ))}
    </div>
  );
}

export const cellId = (id: string, index: number): string => `${id}-${index}`;

/** Returns where an arrow key leads in a grid of so many cells; undefined for other keys. */
export function stepOf({ key }: KeyboardEvent, at: number, count: number, columns: number): number | undefined {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
  if (step === undefined) return undefined;
  const next = at + step;
  // Down from the last full row leads into the shorter one below.
  if (key === "ArrowDown" && next >= count) return count - 1;
  return next < 0 || next >= count ? at : next;
}
