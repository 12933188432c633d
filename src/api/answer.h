/* answer.h: an answer of the history as JSON, for HTTP and the command line alike. Pure. */
#pragma once

#include "base/buf.h"
#include "model/query.h"

/* {from,to,step_ms,tier,series:[{id,name,labels,unit,kind,points:[[t,v|null],…]}]} */
void answer_json(struct buf *out, const struct answer *a);

/* {t,total,columns,rows}. cut_from: rows that the table had when it is not all of it; 0 otherwise.
 */
struct table;
struct view;
void answer_table_json(struct buf *out, const struct table *t, int64_t t_ms,
                       const struct view *view, uint64_t cut_from);
