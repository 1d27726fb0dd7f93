/** How many of what a button leads to are new or wait. Screen readers say the words. */
export function SideCount({ count, words }: { count: number; words: string }) {
  if (count === 0) return null;
  return (
    <span className="count">
      <span aria-hidden="true">{count > 99 ? "99+" : count}</span>
      <span className="hidden">{words}</span>
    </span>
  );
}
