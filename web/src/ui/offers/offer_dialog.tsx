import type { Offer } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { type FormEvent, useMemo, useState } from "react";
import { amountText, digitsOf, groupedByDecimal, parseAmount } from "../../chat/offers/money";
import type { OfferTerms } from "../../chat/offers/offers";
import { locale } from "../../languages/locale";
import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { useChat } from "../page/chat_context";
import { useWhyOver } from "./use_why_over";
import "./offer_dialog.css";

interface Props {
  conversationId: string;
  /** The offer that this one replaces. */
  counterTo?: Offer;
  onClose: () => void;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const SPANS = { hour: HOUR_MS, day: 24 * HOUR_MS, threeDays: 72 * HOUR_MS, week: 168 * HOUR_MS } as const;
const EXPIRIES = ["never", "hour", "day", "threeDays", "week", "custom"] as const;

type Expiry = (typeof EXPIRIES)[number];

/** A form for making an offer. It stays when the offer cannot be made any more, so that its texts can be copied. */
export default function OfferDialog({ conversationId, counterTo, onClose }: Props) {
  const { offers, state } = useChat();
  const [currency, setCurrency] = useState(() => {
    const { conversations, features } = state.getState();
    return counterTo?.currency ?? own(conversations, conversationId)?.lastOffer?.currency ?? features.offerCurrency;
  });
  const [proposedEnd] = useState(() => endInFuture(counterTo));
  const [expiry, setExpiry] = useState<Expiry>(proposedEnd === undefined ? "never" : "custom");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const over = useWhyOver(conversationId, counterTo);
  const labels = texts.offers;

  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const field = (name: string): string => String(new FormData(event.currentTarget).get(name) ?? "").trim();
    const terms = termsOf(field, currency, expiry);
    if (typeof terms === "string") return setProblem(terms);
    setBusy(true);
    setProblem("");
    try {
      if (counterTo === undefined) await offers.make(conversationId, terms);
      else await offers.counter(counterTo.id, terms);
      onClose();
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };

  return (
    <Dialog
      title={counterTo === undefined ? labels.make : labels.counterTitle}
      onClose={onClose}
      className="offer-dialog"
      focusOn={counterTo && "[name=amount]"}
    >
      <form onSubmit={(event) => void submit(event)}>
        <label>
          {labels.what}
          <input name="title" required maxLength={200} defaultValue={counterTo?.title} autoComplete="off" />
        </label>
        <div className="price">
          <label>
            {labels.amount}
            <input
              name="amount"
              required
              inputMode="decimal"
              autoComplete="off"
              defaultValue={counterTo && amountText(counterTo.amount, counterTo.currency)}
            />
          </label>
          <CurrencyChoice value={currency} onChange={setCurrency} />
        </div>
        <label>
          {labels.description}
          <textarea name="description" rows={3} maxLength={4000} defaultValue={counterTo?.description} />
        </label>
        <label>
          {labels.expiry}
          <select value={expiry} onChange={(event) => setExpiry(event.target.value as Expiry)}>
            {EXPIRIES.map((each) => (
              <option key={each} value={each}>
                {labels.expiries[each]}
              </option>
            ))}
          </select>
        </label>
        {expiry === "custom" && (
          <label>
            {labels.expiresAt}
            <input name="expiresAt" type="datetime-local" required defaultValue={proposedEnd} />
          </label>
        )}
        <FormButtons
          problem={busy ? "" : over || problem}
          action={labels.send}
          disabled={busy || over !== ""}
          onClose={onClose}
        />
      </form>
    </Dialog>
  );
}

function CurrencyChoice({ value, onChange }: { value: string; onChange: (code: string) => void }) {
  const options = useMemo(() => CURRENCIES.map((code) => ({ code, name: nameOfCurrency(code) })), []);
  return (
    <label>
      {texts.offers.currency}
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map(({ code, name }) => (
          <option key={code} value={code}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Returns when an offer ends, to the minute and as a field has it; undefined if that is never or not in the future. */
function endInFuture(offer: Offer | undefined): string | undefined {
  const end = new Date(offer?.expiresAt ?? 0);
  end.setSeconds(0, 0);
  if (end.getTime() <= Date.now()) return undefined;
  return new Date(end.getTime() - end.getTimezoneOffset() * MINUTE_MS)
    .toISOString()
    .slice(0, "yyyy-mm-ddThh:mm".length);
}

/** Returns the terms, or what is wrong with them. */
function termsOf(field: (name: string) => string, currency: string, expiry: Expiry): OfferTerms | string {
  const amount = parseAmount(field("amount"), currency);
  if (amount === null) return whyNoAmount(field("amount"), currency);
  const description = field("description");
  const terms: OfferTerms = { title: field("title"), amount, currency, ...(description === "" ? {} : { description }) };
  if (expiry === "never") return terms;
  const expiresMs = expiry === "custom" ? Date.parse(field("expiresAt")) : Date.now() + SPANS[expiry];
  if (!(expiresMs > Date.now())) return texts.offers.inThePast;
  return { ...terms, expiresAt: new Date(expiresMs).toISOString() };
}

function whyNoAmount(typed: string, currency: string): string {
  const grouped = groupedByDecimal(typed);
  if (grouped !== null) return texts.offers.signOfDecimals(grouped.sign, grouped.whole);
  return texts.offers.notAnAmount(digitsOf(currency));
}

/** ISO 4217, as the server accepts them. */
const CODES = `
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF CLP CNY COP
CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD
IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR
MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP
SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF
XPF YER ZAR ZMW ZWG`;

export const CURRENCIES: readonly string[] = CODES.trim().split(/\s+/);

/** Returns the currency's name in the reader's language. */
export function nameOfCurrency(code: string): string {
  const name = new Intl.DisplayNames(locale(), { type: "currency", fallback: "none" }).of(code);
  return name === undefined ? code : `${code} · ${name}`;
}
