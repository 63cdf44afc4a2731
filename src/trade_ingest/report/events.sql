-- Of trade events: {events} is the view of the latest state of each trade, beside the target.

CREATE VIEW {report}.customer_exposure AS
SELECT customer_id, currency, transaction_status,
    count(*) AS trades,
    sum(bought) AS bought,
    sum(sold) AS sold,
    sum(bought) - sum(sold) AS net,
    max(transaction_date) AS last_at
FROM (
    SELECT customer_id, to_currency AS currency, transaction_status, to_cost AS bought, 0 AS sold, transaction_date
    FROM {events}
    UNION ALL
    SELECT customer_id, from_currency, transaction_status, 0, from_cost, transaction_date
    FROM {events}
) AS leg
GROUP BY customer_id, currency, transaction_status;

COMMENT ON VIEW {report}.customer_exposure IS
    'What each customer bought and sold of each currency, by the present state of the trades';
