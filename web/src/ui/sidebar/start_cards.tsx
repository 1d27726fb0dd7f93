import { creatable } from "@talkwire/client/parts";
import { Camera, ChevronRight, Compass, type LucideIcon, MessageCircle, Users } from "lucide-react";
import { texts } from "../../texts";
import { EmptyState } from "../components/empty_state";
import { useChatState } from "../page/chat_context";
import { usePeople } from "../people/use_people";
import type { SidebarDialog } from "./sidebar_dialogs";
import { StartPeople } from "./start_people";
import "./start_cards.css";

/** The people who are shown. */
const SHOWN_MAX = 4;
/** The people among whom they are chosen: as many as the server returns at once. */
const FOUND_MAX = 100;

/** What a user without conversations can do first. */
export default function StartCards({ onOpen }: { onOpen: (dialog: SidebarDialog) => void }) {
  const rights = useChatState((state) => state.rights);
  const hasPicture = useChatState((state) => state.me.avatar !== undefined);
  const kinds = creatable(rights);
  const mayWrite = kinds.includes("direct");
  const { people, isComplete } = usePeople("", FOUND_MAX);
  const myId = useChatState((state) => state.me.id);
  // Those with a picture first.
  const shown = people
    .filter(({ id }) => id !== myId)
    .sort((one, other) => Number(other.avatar !== undefined) - Number(one.avatar !== undefined))
    .slice(0, SHOWN_MAX);
  const labels = texts.places.starts;
  return (
    <EmptyState title={texts.welcome(texts.name)}>
      <p>{texts.noConversationsHint}</p>
      <div className="start-cards">
        {mayWrite && shown.length > 0 && <StartPeople people={shown} onFind={() => onOpen({ kind: "new" })} />}
        {mayWrite && isComplete && shown.length === 0 && (
          <Card
            icon={MessageCircle}
            label={labels.direct}
            hint={labels.directHint}
            onClick={() => onOpen({ kind: "new" })}
          />
        )}
        {kinds.includes("group") && (
          <Card
            icon={Users}
            label={labels.group}
            hint={labels.groupHint}
            onClick={() => onOpen({ kind: "new", wanted: "group" })}
          />
        )}
        <Card
          icon={Compass}
          label={texts.places.browse}
          hint={labels.browseHint}
          onClick={() => onOpen({ kind: "browse" })}
        />
        {!hasPicture && (
          <Card
            icon={Camera}
            label={labels.picture}
            hint={labels.pictureHint}
            onClick={() => onOpen({ kind: "settings", section: "profile" })}
          />
        )}
      </div>
    </EmptyState>
  );
}

interface CardProps {
  icon: LucideIcon;
  label: string;
  hint: string;
  onClick: () => void;
}

function Card({ icon: Icon, label, hint, onClick }: CardProps) {
  return (
    <button type="button" className="start-card" onClick={onClick}>
      <Icon className="icon" aria-hidden="true" />
      <strong>{label}</strong>
      <span>{hint}</span>
      <ChevronRight className="icon onward" aria-hidden="true" />
    </button>
  );
}
