import type { RefObject } from "react";
import type { EmojiSet } from "../../chat/writing/emoji";
import { texts } from "../../texts";

interface Props {
  set: EmojiSet;
  columns: number;
  viewport: RefObject<HTMLDivElement | null>;
}

/** A button for each group of emoji, which scrolls to it. */
export function EmojiGroups({ set, columns, viewport }: Props) {
  const groups = set.groups
    .map(({ index, label }) => ({ label, emoji: set.emoji.filter(({ group }) => group === index) }))
    .filter(({ emoji }) => emoji.length > 0);
  const rowsOf = ({ emoji }: (typeof groups)[number]): number => Math.ceil(emoji.length / columns);
  const go = (at: number): void => {
    const scroller = viewport.current;
    if (scroller === null) return;
    // The library draws the groups in sight only, so the place of the others is counted.
    const styles = getComputedStyle(scroller);
    const [row, header] = ["row", "category-header"].map((name) =>
      Number.parseFloat(styles.getPropertyValue(`--frimousse-${name}-height`)),
    );
    const rows = groups.slice(0, at).reduce((sum, group) => sum + rowsOf(group), 0);
    scroller.scrollTo({ top: rows * (row ?? 0) + at * (header ?? 0) });
  };
  return (
    <fieldset className="groups" aria-label={texts.emoji.groups}>
      {groups.map(({ label, emoji }, index) => (
        <button key={label} type="button" title={label} aria-label={label} onClick={() => go(index)}>
          {emoji[0]?.emoji}
        </button>
      ))}
    </fieldset>
  );
}
