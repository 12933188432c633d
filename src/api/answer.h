/* answer.h: an answer of the history as JSON, for HTTP and the command line alike. Pure. */
#pragma once

#include "base/buf.h"
#include "model/query.h"

/* {from,to,step_ms,tier,series:[{id,name,labels,unit,kind,points:[[t,v|null],…]}]} */
void answer_json(struct buf *out, const struct answer *a);
