import type { Conversation, Member, MemberRole } from "@talkwire/client";
import { type ReactElement, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Virtualizer } from "virtua";
import { nameAndHandle, searchByName } from "../../chat/conversations/name_search";
import { texts } from "../../texts";
import { countOf } from "../components/conversation_names";
import { MemberRow } from "./member_row";
import { type Mutes, useMutes } from "./use_restrictions";

/** Up to this many members are all in the document, so that Tab reaches them at any scroll position. */
const WHOLE_MAX = 100;
/** From this many members on, there is a search field. */
const SEARCH_FROM = 10;

const RANK: Record<MemberRole, number> = { owner: 0, admin: 1, member: 2 };

/** The members whose accounts still exist, owner and admins first. Of many, only those in sight are in the document. */
export function MemberList({ conversation, members }: { conversation: Conversation; members: readonly Member[] }) {
  const [query, setQuery] = useState("");
  const [mutes, reload] = useMutes(conversation);
  const ordered = useMemo(
    () =>
      members
        .filter(({ erased }) => erased !== true)
        .sort((one, other) => RANK[one.role] - RANK[other.role] || one.name.localeCompare(other.name)),
    [members],
  );
  const shown = query.trim() === "" ? ordered : searchByName(ordered, nameAndHandle, query);
  return (
    <section className="members" aria-label={texts.places.people}>
      <h3>{texts.members(countOf(conversation))}</h3>
      {ordered.length >= SEARCH_FROM && (
        <input
          type="search"
          value={query}
          placeholder={texts.places.findMember}
          aria-label={texts.places.findMember}
          autoComplete="off"
          onChange={(event) => setQuery(event.target.value)}
        />
      )}
      {shown.length === 0 && <p className="note">{texts.nobodyFound}</p>}
      <Rows conversation={conversation} shown={shown} mutes={mutes} onChanged={reload} />
    </section>
  );
}

interface RowsProps {
  conversation: Conversation;
  shown: readonly Member[];
  mutes: Mutes;
  onChanged: () => void;
}

function Rows({ conversation, shown, mutes, onChanged }: RowsProps) {
  const rows = shown.map((member) => (
    <MemberRow
      key={member.userId}
      conversation={conversation}
      member={member}
      mute={mutes.get(member.userId)}
      onChanged={onChanged}
    />
  ));
  if (rows.length > WHOLE_MAX) return <ManyRows>{rows}</ManyRows>;
  return (
    <ul>
      {rows.map((row) => (
        <li key={row.key}>{row}</li>
      ))}
    </ul>
  );
}

function ManyRows({ children }: { children: readonly ReactElement[] }) {
  const start = useRef<HTMLDivElement>(null);
  const scroller = useRef<HTMLElement>(null);
  const [startMargin, setStartMargin] = useState(0);
  // The content above the members scrolls with them, and may grow.
  useLayoutEffect(() => {
    const place = start.current;
    scroller.current = place?.closest<HTMLElement>(".panel-content") ?? null;
    if (place === null || scroller.current === null) return;
    const above = place.getBoundingClientRect().top - scroller.current.getBoundingClientRect().top;
    setStartMargin(Math.round(above + scroller.current.scrollTop));
  });
  return (
    <div>
      <div ref={start} />
      <Virtualizer scrollRef={scroller} as="ul" item="li" startMargin={startMargin}>
        {children as ReactElement[]}
      </Virtualizer>
    </div>
  );
}
