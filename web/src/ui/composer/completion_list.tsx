import { useLayoutEffect, useRef } from "react";
import { texts } from "../../texts";
import { Avatar } from "../components/avatar";
import type { Completion } from "./use_completion";
import "./completion_list.css";

const MARGIN_PX = 4;

/** The suggestions while the reader types. The focus stays in the field, which names the active one. */
export function CompletionList({ completion }: { completion: Completion }) {
  const { kind, choices, active, listId, optionId, activate, pick } = completion;
  const list = useRef<HTMLDivElement>(null);
  // Above the field there may be less room than the suggestions need, beside a phone's keyboard.
  useLayoutEffect(() => {
    const { current } = list;
    if (current === null) return;
    current.style.maxHeight = `${Math.floor(current.getBoundingClientRect().bottom) - MARGIN_PX}px`;
    current.children[active]?.scrollIntoView({ block: "nearest" });
  });
  return (
    <>
      <div ref={list} id={listId} className="completion" role="listbox" aria-label={texts.completion[kind]}>
        {choices.map((choice, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field handles the keys
          // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field
          <div
            key={choice.key}
            id={optionId(index)}
            role="option"
            aria-selected={index === active}
            onPointerMove={() => index !== active && activate(index)}
            // The field keeps the focus, so that a phone keeps its keyboard open.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => pick(choice)}
          >
            {choice.userId !== undefined && <Avatar id={choice.userId} name={choice.label} picture={choice.picture} />}
            {choice.emoji !== undefined && <span className="emoji">{choice.emoji}</span>}
            <span className="label" dir="auto">
              {choice.label}
            </span>
            {choice.hint !== "" && (
              <span className="hint" dir="auto">
                {choice.hint}
              </span>
            )}
          </div>
        ))}
      </div>
      <p className="hidden" role="status">
        {texts.suggestions(choices.length)}
      </p>
    </>
  );
}
