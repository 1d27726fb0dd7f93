import { Popover, PopoverProvider } from "@ariakit/react";
import { type RefObject, useRef } from "react";
import { backClosesPopups, useBackCloses } from "../page/use_back_closes";
import { useLeaving } from "../page/use_leaving";
import { PersonActions } from "./person_actions";
import { PersonDetails } from "./person_details";
import "./person_card.css";

interface Props {
  userId: string;
  name: string;
  anchor: RefObject<HTMLElement | null>;
  onClose: () => void;
}

/** A person's details, beside their name. */
export default function PersonCard({ userId, name, anchor, onClose }: Props) {
  const card = useRef<HTMLDivElement>(null);
  useBackCloses(backClosesPopups(), onClose);
  useLeaving(card);
  return (
    <PopoverProvider open setOpen={(open) => open || onClose()} placement="bottom-start">
      <Popover
        ref={card}
        className="person-card"
        aria-label={name}
        portal
        gutter={8}
        overflowPadding={8}
        finalFocus={anchor}
        getAnchorRect={() => anchor.current?.getBoundingClientRect() ?? null}
      >
        <PersonDetails userId={userId} name={name}>
          <PersonActions userId={userId} name={name} onDone={onClose} />
        </PersonDetails>
      </Popover>
    </PopoverProvider>
  );
}
