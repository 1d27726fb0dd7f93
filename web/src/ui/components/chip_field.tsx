import { type KeyboardEvent, type MouseEvent, type ReactNode, useRef } from "react";
import { nameAndHandle } from "../../chat/conversations/name_search";
import { texts } from "../../texts";
import { isComposing } from "../keyboard/focus";
import "./chip_field.css";

interface Props<Item> {
  chosen: readonly Item[];
  onChange: (chosen: readonly Item[]) => void;
  /** Returns the picture of what was chosen. */
  face: (item: Item) => ReactNode;
  /** Returns what tells it from others of the same name. */
  handle: (item: Item) => string | undefined;
  /** The field in which more is found. */
  children: ReactNode;
}

/**
 * A box with what the reader has chosen, each with a button to remove it, and a field to find more. Backspace in the empty
 * field removes the last one.
 */
export function ChipField<Item extends { id: string; name: string }>({
  chosen,
  onChange,
  face,
  handle,
  children,
}: Props<Item>) {
  const box = useRef<HTMLDivElement>(null);
  const pressed = (event: KeyboardEvent): void => {
    const isEmptied = event.target instanceof HTMLInputElement && event.target.value === "";
    if (event.key === "Backspace" && isEmptied && !isComposing(event.nativeEvent)) onChange(chosen.slice(0, -1));
  };
  const clicked = (event: MouseEvent): void => {
    if (event.target === event.currentTarget) box.current?.querySelector("input")?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the field has the keys, and a click beside it leads to it
    <div ref={box} className="chip-field" onKeyDown={pressed} onClick={clicked}>
      {chosen.length > 0 && (
        <ul className="chosen">
          {chosen.map((item) => (
            <li key={item.id}>
              {face(item)}
              <span className="chosen-name">{item.name}</span>
              {handle(item) !== undefined && <span className="chosen-handle">@{handle(item)}</span>}
              <button
                type="button"
                aria-label={texts.remove(nameAndHandle({ name: item.name, handle: handle(item) }))}
                onClick={() => onChange(chosen.filter((each) => each !== item))}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      {children}
    </div>
  );
}
