import { Popover, PopoverProvider } from "@ariakit/react";
import { EmojiPicker, type EmojiPickerListEmojiProps, type EmojiPickerListRowProps, useSkinTone } from "frimousse";
import {
  type CSSProperties,
  type KeyboardEvent,
  type RefObject,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
} from "react";
import { useStore } from "zustand";
import type { EmojiEntry, EmojiSet } from "../../chat/writing/emoji";
import { searchEmoji } from "../../chat/writing/emoji_search";
import { texts } from "../../texts";
import { byTouch } from "../keyboard/focus";
import { useChat } from "../page/chat_context";
import { backClosesPopups, useBackCloses } from "../page/use_back_closes";
import { useLeaving } from "../page/use_leaving";
import { EmojiGroups } from "./emoji_groups";
import { cellId, EmojiResults, stepOf } from "./emoji_results";
import { drawable, inTone, pickerData } from "./picker_data";
import "./emoji_popup.css";

interface Props {
  label: string;
  anchor: RefObject<HTMLElement | null>;
  placement: "top-start" | "top-end";
  returnTo: RefObject<HTMLElement | null>;
  onPick: (emoji: string) => void;
  onClose: () => void;
}

const COLUMNS_MAX = 8;
/** The width of an emoji that a finger hits, and what the window has beside the emoji. */
const TOUCH_PX = 44;
const BESIDE_PX = 32;
/** More than anybody looks through. */
const FOUND_MAX = 160;
const NONE: readonly EmojiEntry[] = [];
const columnsHere = (): number =>
  byTouch ? Math.min(COLUMNS_MAX, Math.floor((innerWidth - BESIDE_PX) / TOUCH_PX)) : COLUMNS_MAX;

/** The emoji picker. A module of its own, because few visits need it. */
export default function EmojiPopup({ label, anchor, placement, returnTo, onPick, onClose }: Props) {
  useBackCloses(backClosesPopups(), onClose);
  const store = useChat().emoji;
  const recent = useStore(store.recent);
  const [set, setSet] = useState<EmojiSet | null>(null);
  const viewport = useRef<HTMLDivElement>(null);
  const popup = useRef<HTMLDivElement>(null);
  useLeaving(popup);
  const pick = (emoji: string): void => {
    store.used(emoji);
    onPick(emoji);
  };
  // A new function would reload the data.
  const [resolve] = useState(() => async () => {
    const loaded = drawable(await store.load());
    setSet(loaded);
    return pickerData(loaded);
  });
  const [columns] = useState(columnsHere);
  const search = useEmojiSearch(set?.emoji ?? NONE);
  const results = useId();
  return (
    <PopoverProvider open setOpen={(open) => open || onClose()} placement={placement}>
      <Popover
        ref={popup}
        className="emoji-popup"
        aria-label={label}
        portal
        // The tap that closes it is not meant for what is below.
        modal={byTouch}
        preventBodyScroll={false}
        gutter={6}
        overflowPadding={6}
        finalFocus={returnTo}
        // The search would call up the keyboard.
        {...(byTouch && { initialFocus: popup })}
        getAnchorRect={() => anchor.current?.getBoundingClientRect() ?? null}
      >
        <EmojiPicker.Root
          className="emoji-picker"
          columns={columns}
          style={{ "--columns": columns } as CSSProperties}
          resolveEmojiData={resolve}
          onEmojiSelect={({ emoji }) => pick(emoji)}
        >
          <div className="search">
            <SearchField search={search} columns={columns} results={results} onPick={pick} />
            <EmojiPicker.SkinToneSelector aria-label={texts.emoji.skinTone} title={texts.emoji.skinTone} />
          </div>
          {search.query === "" ? (
            <>
              {recent.length > 0 && <Recent recent={recent.slice(0, columns)} onPick={pick} />}
              <EmojiPicker.Viewport className="viewport" ref={viewport}>
                <EmojiPicker.Loading className="note">{texts.emoji.loading}</EmojiPicker.Loading>
                <EmojiPicker.List className="list" components={{ CategoryHeader, Row, Emoji }} />
              </EmojiPicker.Viewport>
              {set !== null && <EmojiGroups set={set} columns={columns} viewport={viewport} />}
            </>
          ) : (
            <div className="viewport">
              <EmojiResults id={results} found={search.found} active={search.active} columns={columns} onPick={pick} />
            </div>
          )}
        </EmojiPicker.Root>
      </Popover>
    </PopoverProvider>
  );
}

interface EmojiSearch {
  readonly query: string;
  readonly found: readonly EmojiEntry[];
  /** The index of the emoji that Enter picks. */
  readonly active: number;
  readonly setQuery: (query: string) => void;
  readonly setActive: (active: number) => void;
}

/** The library keeps the groups in a search, which puts the best match anywhere. So the client searches by itself. */
function useEmojiSearch(entries: readonly EmojiEntry[]): EmojiSearch {
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const found = useMemo(() => searchEmoji(entries, query).slice(0, FOUND_MAX), [entries, query]);
  return {
    query,
    found,
    active,
    setActive,
    setQuery: (wanted) => {
      setQuery(wanted.trim());
      setActive(0);
    },
  };
}

interface SearchFieldProps {
  search: EmojiSearch;
  columns: number;
  results: string;
  onPick: (emoji: string) => void;
}

function SearchField({ search, columns, results, onPick }: SearchFieldProps) {
  const [tone] = useSkinTone();
  const { query, found, active, setQuery, setActive } = search;
  const isSearching = query !== "" && found.length > 0;
  const pressed = (event: KeyboardEvent): void => {
    if (query === "" || event.nativeEvent.isComposing) return;
    const next = stepOf(event, active, found.length, columns);
    const chosen = found[active];
    if (next !== undefined) setActive(next);
    else if (event.key === "Enter") chosen !== undefined && onPick(inTone(chosen, tone));
    else return;
    event.preventDefault();
  };
  // The active emoji may be below those in sight.
  useEffect(() => {
    if (isSearching) document.getElementById(cellId(results, active))?.scrollIntoView({ block: "nearest" });
  }, [isSearching, results, active]);
  return (
    <EmojiPicker.Search
      autoFocus={!byTouch}
      placeholder={texts.emoji.search}
      aria-label={texts.emoji.search}
      aria-controls={isSearching ? results : undefined}
      aria-activedescendant={isSearching ? cellId(results, active) : undefined}
      onKeyDown={pressed}
      onChange={(event) => {
        // The library does not search.
        event.preventDefault();
        setQuery(event.target.value);
      }}
    />
  );
}

function Recent({ recent, onPick }: { recent: readonly string[]; onPick: (emoji: string) => void }) {
  return (
    <fieldset className="recent" aria-label={texts.emoji.recent}>
      {recent.map((emoji) => (
        <button key={emoji} type="button" onClick={() => onPick(emoji)}>
          {emoji}
        </button>
      ))}
    </fieldset>
  );
}

const CategoryHeader = ({ category, ...rest }: { category: { label: string } }) => (
  <div className="group" {...rest}>
    {category.label}
  </div>
);

/** ARIA counts from one, the library from zero. */
const fromOne = (index: number | undefined): number => (index ?? 0) + 1;

const Row = ({ children, ...rest }: EmojiPickerListRowProps) => (
  // biome-ignore lint/a11y/useAriaPropsSupportedByRole: the rest contains its role
  <div {...rest} aria-rowindex={fromOne(rest["aria-rowindex"])}>
    {children}
  </div>
);

const Emoji = ({ emoji, ...rest }: EmojiPickerListEmojiProps) => (
  // biome-ignore lint/a11y/useAriaPropsSupportedByRole: the rest contains its role
  <button type="button" {...rest} aria-colindex={fromOne(rest["aria-colindex"])}>
    {emoji.emoji}
  </button>
);
