-- what was added last year goes, and a word is found faster
create index concurrently if not exists users_email on "users" (lower(email));

begin;
alter table app.users drop column legacy_flag;
set local work_mem = '64MB';
update app.users set note = 'gone; at last' where note is null;
commit;

alter table orders validate constraint orders_user_fk;
vacuum (analyze) app.users;
