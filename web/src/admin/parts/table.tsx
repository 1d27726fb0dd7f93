import { type ReactNode, useId } from "react";
import type { Pages } from "../data/use_pages";
import { texts } from "../texts";

export interface Column<T> {
  name: string;
  cell: (item: T) => ReactNode;
  isNumber?: boolean;
  /** For a column of buttons, whose name only screen readers need. */
  hasHiddenName?: boolean;
}

interface Props<T> {
  /** Says what is listed. */
  label: string;
  columns: readonly Column<T>[];
  items: readonly T[];
  keyOf: (item: T) => string;
}

/** A table that scrolls sideways where it has to. On narrow screens each row is a block. */
export function Table<T>({ label, columns, items, keyOf }: Props<T>) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
    <section className="admin-scroller" tabIndex={0} aria-label={label}>
      <table className="admin-table">
        <thead>
          <tr>
            {columns.map(({ name, isNumber, hasHiddenName }) => (
              <th key={name} scope="col" className={isNumber ? "number" : undefined}>
                {hasHiddenName ? <span className="hidden">{name}</span> : name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={keyOf(item)}>
              {columns.map(({ name, cell, isNumber, hasHiddenName }) => (
                <td key={name} data-name={hasHiddenName ? undefined : name} className={isNumber ? "number" : undefined}>
                  {cell(item)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface PagedProps<T> extends Omit<Props<T>, "items"> {
  pages: Pages<T>;
  /** What to show when there is nothing. */
  empty: string;
}

/** A list that is loaded page by page, as a table. */
export function PagedTable<T>({ pages, empty, ...table }: PagedProps<T>) {
  const { items, isLoaded, isLoading, hasMore, silentNodes, problem, more, reload } = pages;
  const id = useId();
  return (
    <div className="admin-list" aria-busy={isLoading} data-loaded={isLoaded}>
      {problem !== "" && <Problem text={problem} onRetry={items.length > 0 && isLoaded && hasMore ? more : reload} />}
      {silentNodes.length > 0 && <p role="status">{texts.silentNodes(silentNodes)}</p>}
      {items.length > 0 && <Table {...table} items={items} />}
      {items.length === 0 && problem === "" && (
        <p className="admin-nothing" role="status">
          {isLoaded ? empty : texts.loading}
        </p>
      )}
      {items.length > 0 && (
        <footer className="admin-more">
          <p id={id}>{texts.shown(items.length, hasMore)}</p>
          {hasMore && (
            <button type="button" aria-disabled={isLoading} aria-describedby={id} onClick={more}>
              {texts.loadMore}
            </button>
          )}
        </footer>
      )}
    </div>
  );
}

export function Problem({ text, onRetry }: { text: string; onRetry: () => void }) {
  return (
    <div className="admin-problem" role="alert">
      <p>{text}</p>
      <button type="button" onClick={onRetry}>
        {texts.tryAgain}
      </button>
    </div>
  );
}
