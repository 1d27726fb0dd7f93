import { Popover, PopoverProvider } from "@ariakit/react";
import { EmojiPicker, type EmojiPickerListEmojiProps, type EmojiPickerListRowProps } from "frimousse";
import { type RefObject, useState } from "react";
import { useStore } from "zustand";
import { texts } from "../../texts";
import { useChat } from "../chat_context";
import { pickerData } from "./picker_data";
import "./emoji_popup.css";

interface Props {
  label: string;
  anchor: RefObject<HTMLElement | null>;
  placement: "top-start" | "top-end";
  returnTo: RefObject<HTMLElement | null>;
  onPick: (emoji: string) => void;
  onClose: () => void;
}

const COLUMNS = 8;

/** The emoji picker. A module of its own, because few visits need it. */
export default function EmojiPopup({ label, anchor, placement, returnTo, onPick, onClose }: Props) {
  const store = useChat().emoji;
  const recent = useStore(store.recent);
  const pick = (emoji: string): void => {
    store.used(emoji);
    onPick(emoji);
  };
  // A new function would reload the data.
  const [resolve] = useState(() => async () => pickerData(await store.load()));
  return (
    <PopoverProvider open setOpen={(open) => open || onClose()} placement={placement}>
      <Popover
        className="emoji-popup"
        aria-label={label}
        portal
        gutter={6}
        overflowPadding={6}
        finalFocus={returnTo}
        getAnchorRect={() => anchor.current?.getBoundingClientRect() ?? null}
      >
        <EmojiPicker.Root
          className="emoji-picker"
          columns={COLUMNS}
          resolveEmojiData={resolve}
          onEmojiSelect={({ emoji }) => pick(emoji)}
        >
          <div className="search">
            <EmojiPicker.Search autoFocus placeholder={texts.emoji.search} aria-label={texts.emoji.search} />
            <EmojiPicker.SkinToneSelector aria-label={texts.emoji.skinTone} title={texts.emoji.skinTone} />
          </div>
          {recent.length > 0 && <Recent recent={recent} onPick={pick} />}
          <EmojiPicker.Viewport className="viewport">
            <EmojiPicker.Loading className="note">{texts.emoji.loading}</EmojiPicker.Loading>
            <EmojiPicker.Empty className="note">{texts.emoji.none}</EmojiPicker.Empty>
            <EmojiPicker.List className="list" components={{ CategoryHeader, Row, Emoji }} />
          </EmojiPicker.Viewport>
        </EmojiPicker.Root>
      </Popover>
    </PopoverProvider>
  );
}

function Recent({ recent, onPick }: { recent: readonly string[]; onPick: (emoji: string) => void }) {
  return (
    <fieldset className="recent" aria-label={texts.emoji.recent}>
      {recent.slice(0, COLUMNS).map((emoji) => (
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
