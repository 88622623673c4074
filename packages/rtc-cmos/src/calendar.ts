/** Gregorian date and time of day, without time zone: month and day count from 1, weekday 1 is Sunday. */
export interface CivilTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

export const SECONDS_PER_DAY = 86_400;
const DAYS_PER_400_YEARS = 146_097;
const DAYS_PER_100_YEARS = 36_524;
const DAYS_PER_4_YEARS = 1461;
/** Days from 1 March of the year 0 to 1 January 1970. Years start in March, so that the leap day is the last day. */
const MARCH_0_TO_1970 = 719_468;

/** Seconds since 1970. Values beyond their range carry over, as a guest may write any. */
export function toSeconds({ year, month, day, hour, minute, second }: Omit<CivilTime, 'weekday'>): number {
  const [y, m] = month < 3 ? [year - 1, month + 12] : [year, month];
  const leapDays = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  const days = 365 * y + leapDays + Math.floor((153 * m - 457) / 5) + day - 1 - MARCH_0_TO_1970;
  return days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
}

/** The date and time of day `seconds` after 1970 began. */
export function fromSeconds(seconds: number): CivilTime {
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  const ofDay = seconds - days * SECONDS_PER_DAY;
  const weekday = ((((days + 4) % 7) + 7) % 7) + 1;
  return { ...dateOf(days), weekday, hour: Math.floor(ofDay / 3600), minute: Math.floor(ofDay / 60) % 60, second: ofDay % 60 };
}

function dateOf(days: number): { year: number; month: number; day: number } {
  const sinceMarch0 = days + MARCH_0_TO_1970;
  const era = Math.floor(sinceMarch0 / DAYS_PER_400_YEARS);
  const ofEra = sinceMarch0 - era * DAYS_PER_400_YEARS;
  const leapDaysBefore =
    Math.floor(ofEra / (DAYS_PER_4_YEARS - 1)) - Math.floor(ofEra / DAYS_PER_100_YEARS) + Math.floor(ofEra / (DAYS_PER_400_YEARS - 1));
  const yearOfEra = Math.floor((ofEra - leapDaysBefore) / 365);
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * ofYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return { year: era * 400 + yearOfEra + (month < 3 ? 1 : 0), month, day: ofYear - Math.floor((153 * marchMonth + 2) / 5) + 1 };
}
