-- What this gateway's own challenges found (protocol §9), one row for each device and spec.
create table challenges (
  device text not null,
  spec text not null,
  at bigint not null,
  -- when it may be challenged again
  due bigint not null,
  verified boolean not null,
  -- what is shown beside an offer, as JSON
  finding text not null,
  primary key (device, spec)
);

-- Device and spec of an offer, derived from its document; lower case.
alter table offers add column device text not null default '';
alter table offers add column spec text not null default '';
-- As of `challenges`, copied: search reads offers alone, and a change of it counts as a change of the offer.
alter table offers add column verified boolean not null default false;
alter table offers add column challenge text;
update offers set
  device = lower(document::json -> 'spec' ->> 'device'),
  spec = lower(document::json -> 'offer' ->> 'spec');
create index offers_device on offers (device, spec);
