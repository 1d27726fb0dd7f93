import { ListFilter, Search } from "lucide-react";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
import { goTo } from "../page/page_address";

interface Props {
  query: string;
  unreadOnly: boolean;
  /** Whether the button for it is left out, since there is nothing to filter. */
  isEmpty: boolean;
  /** The first match, which may be rendered a moment later. */
  firstId: string | undefined;
  onQuery: (query: string) => void;
  onUnreadOnly: (unreadOnly: boolean) => void;
}

/** Filters the list of conversations. */
export function FilterField({ query, unreadOnly, isEmpty, firstId, onQuery, onUnreadOnly }: Props) {
  return (
    <search className="filter">
      <label className="filter-field">
        <Search className="icon" aria-hidden="true" />
        <input
          type="search"
          value={query}
          placeholder={texts.search}
          aria-label={texts.places.filter}
          autoComplete="off"
          onChange={(event) => onQuery(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape" && query !== "") {
              event.preventDefault();
              onQuery("");
            } else if (event.key === "Enter") {
              event.preventDefault();
              if (firstId !== undefined) goTo(firstId);
              else firstFound()?.click();
            } else if (event.key === "ArrowDown") {
              event.preventDefault();
              firstFound()?.focus();
            }
          }}
        />
      </label>
      {!isEmpty && (
        <IconButton
          icon={ListFilter}
          label={texts.places.unreadOnly}
          aria-pressed={unreadOnly}
          onClick={() => onUnreadOnly(!unreadOnly)}
        />
      )}
    </search>
  );
}

function firstFound(): HTMLElement | null {
  return document.querySelector<HTMLElement>(".conversations a, .found-elsewhere :is(.entry, .find)");
}
