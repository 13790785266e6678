/* Names and types of columns through every operator. What Microsoft's own parser says of the same queries was
 * compared when they were written down. */

#include "tests/kql/tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define T_ALL                                                                                      \
    "TenantId:string, TimeGenerated:datetime, a:long, b:string, c:real, d:dynamic, e:bool, "       \
    "f:timespan, g:guid, i:int, x:decimal, Type:string"

static struct kql_query *compile(const char *text, struct error *err)
{
    struct kql_options options = {.table = tables_columns, .now = TABLES_NOW};
    return kql_compile(str_of(text), &options, err);
}

static void columns_that_come_out(void **state)
{
    (void) state;
    static const struct {
        const char *text, *columns;
    } cases[] = {
        {"T | summarize count(), dcount(a), max(c) by bin(TimeGenerated,1h), tolower(b), a+1",
         "TimeGenerated:datetime, Column1:string, Column2:long, count_:long, dcount_a:long, "
         "max_c:real"},
        {"print 1, x=2, now(), \"s\"", "print_0:long, x:long, print_2:datetime, print_3:string"},
        {"T | project tostring(a), d.x, d.x.y, d['k'], d[0], a+1, strcat(b,\"x\"), b, tolower(b)",
         "a:string, d_x:dynamic, d_x_y:dynamic, d_k:dynamic, d_0:dynamic, Column1:long, "
         "Column2:string, b:string, Column3:string"},
        {"T | join U on b", T_ALL ", TimeGenerated1:datetime, a1:int, b1:string, z:long"},
        {"T | join (U) on $left.a == $right.z",
         T_ALL ", TimeGenerated1:datetime, a1:int, b1:string, z:long"},
        {"T | join kind=leftanti U on b", T_ALL},
        {"T | join kind=rightsemi U on b", "TimeGenerated:datetime, a:int, b:string, z:long"},
        {"union T, U",
         "TenantId:string, TimeGenerated:datetime, a_long:long, a_int:int, b:string, c:real, "
         "d:dynamic, e:bool, f:timespan, g:guid, i:int, x:decimal, Type:string, z:long"},
        {"union withsource=S T, U",
         "S:string, TenantId:string, TimeGenerated:datetime, a_long:long, a_int:int, b:string, "
         "c:real, d:dynamic, e:bool, f:timespan, g:guid, i:int, x:decimal, Type:string, z:long"},
        {"T | summarize arg_max(TimeGenerated,*) by b",
         "b:string, TimeGenerated:datetime, TenantId:string, a:long, c:real, d:dynamic, e:bool, "
         "f:timespan, g:guid, i:int, x:decimal, Type:string"},
        {"T | summarize arg_max(TimeGenerated, a, c), arg_min(a, *) by b",
         "b:string, TimeGenerated:datetime, a:long, c:real, a1:long, TenantId:string, "
         "TimeGenerated1:datetime, c1:real, d:dynamic, e:bool, f:timespan, g:guid, i:int, "
         "x:decimal, Type:string"},
        {"T | summarize make_set(a), make_list(b), percentile(a,95), percentiles(a,50,99), "
         "take_any(a), any(b), take_any(*), countif(a>1), sumif(a,e), avg(a), stdev(a), "
         "variance(a), dcountif(a,e), sum(i), avg(i), avg(f), sum(f), min(b), max(e), "
         "make_set(d.x), count_distinct(a)",
         "set_a:dynamic, list_b:dynamic, percentile_a_95:long, percentile_a_50:long, "
         "percentile_a_99:long, a:long, any_b:string, TenantId:string, TimeGenerated:datetime, "
         "a1:long, b:string, c:real, d:dynamic, e:bool, f:timespan, g:guid, i:int, x:decimal, "
         "Type:string, countif_:long, sumif_a:long, avg_a:real, stdev_a:real, variance_a:real, "
         "dcountif_a:long, sum_i:long, avg_i:real, avg_f:timespan, sum_f:timespan, min_b:string, "
         "max_e:bool, set_d_x:dynamic, count_distinct_a:long"},
        {"T | summarize count() , count(), max(a), max(a)",
         "count_:long, count_1:long, max_a:long, max_a1:long"},
        {"T | extend a+1, a=2, strcat(b), tolower(b), d.x",
         T_ALL ", Column1:long, Column2:string, Column3:string, d_x:dynamic"},
        {"T | distinct a, tolower(b)", "a:long, Column1:string"},
        {"print bin(4.5,1), bin(datetime(2020-01-01),1d), 1d/1h, 1d*2, 2*1d, 1d*2.5, now()-now(), "
         "now()-1d, now()+1d, 1/2, int(1)/int(2), int(1)+int(2), 1%2, 1.0%2, -1d, 1d%1h, "
         "1d/2,1d/2.5",
         "print_0:real, print_1:datetime, print_2:real, print_3:timespan, print_4:timespan, "
         "print_5:timespan, print_6:timespan, print_7:datetime, print_8:datetime, print_9:long, "
         "print_10:long, print_11:long, print_12:long, print_13:real, print_14:timespan, "
         "print_15:timespan, print_16:timespan, print_17:timespan"},
        {"T | top 5 by a | project-rename q=a | project-away b* | getschema",
         "ColumnName:string, ColumnOrdinal:long, DataType:string, ColumnType:string"},
        {"T | count", "Count:long"},
        {"T | extend estimate_data_size(*), x1=row_cumsum(a), row_number()",
         T_ALL ", Column1:long, x1:long, Column2:long"},
        {"T | where d.x == 5 and d.y == \"s\" and d.z > 5", T_ALL},
        {"T | where a == \"s\"", T_ALL},
        {"T | where b has d.x and tolower(d.x) == \"x\" and strlen(d) > 1", T_ALL},
        {"T | where d.a + 1 > 2 | extend q=d.a+1, r=d.a*2.0", T_ALL ", q:long, r:real"},
        {"T | where e == 1", T_ALL},
        {"T | where TimeGenerated == \"2020-01-01\"", T_ALL},
        {"T | where g == \"x\"", T_ALL},
        {"T | where b == g and a == \"1\"", T_ALL},
        {"T | where e > true", T_ALL},
        {"T | where d and e", T_ALL},
        {"T | where a in (\"1\")", T_ALL},
        {"T | where b in (\"a\", d, 1)", T_ALL},
        {"T | where a between (1 .. 2.5) and TimeGenerated between (ago(1d) .. 1h) and f between "
         "(1h .. 2h)",
         T_ALL},
        {"T | where TimeGenerated between (ago(1d) .. now())", T_ALL},
        {"T | project-away T*",
         "a:long, b:string, c:real, d:dynamic, e:bool, f:timespan, g:guid, i:int, x:decimal"},
        {"T | project-keep b, a, T*",
         "TenantId:string, TimeGenerated:datetime, a:long, b:string, Type:string"},
        {"T | project-reorder b, T* asc, *",
         "b:string, TenantId:string, TimeGenerated:datetime, Type:string, a:long, c:real, "
         "d:dynamic, e:bool, f:timespan, g:guid, i:int, x:decimal"},
        {"T | project-rename q=a, r=b",
         "TenantId:string, TimeGenerated:datetime, q:long, r:string, c:real, d:dynamic, e:bool, "
         "f:timespan, g:guid, i:int, x:decimal, Type:string"},
        {"T | summarize count_=5, count() by b, bin(a,5), b1=b",
         "b:string, a:long, b1:string, count_:long, count_1:long"},
        {"T | summarize by bin(TimeGenerated,1d), bin(a,2)", "TimeGenerated:datetime, a:long"},
        {"T | summarize x=max(a)-min(a), max(a)-min(a), tostring(max(a)), round(avg(c),2), "
         "array_length(make_set(b))",
         "x:long, Column1:long, max_a:string, avg_c:real, Column2:long"},
        {"T | order by a", T_ALL},
        {"T | sort by a asc, b desc nulls first, c+1", T_ALL},
        {"T | limit 5 | take 3", T_ALL},
        {"range x from 1 to 10 step 1", "x:long"},
        {"range x from 1 to 10 step 1.5", "x:real"},
        {"range x from now() to now()+1d step 1h", "x:datetime"},
        {"range x from int(1) to int(5) step int(1)", "x:int"},
        {"range x from 1h to 5h step 1h", "x:timespan"},
        {"print print_0=2, 5", "print_0:long, print_1:long"},
        {"datatable(a:string, b:int)[\"x\", 1, \"y\", 2]", "a:string, b:int"},
        {"T | as Q | union (Q | take 1)", T_ALL},
        {"union kind=outer withsource=S T, (U | where a > 1)",
         "S:string, TenantId:string, TimeGenerated:datetime, a_long:long, a_int:int, b:string, "
         "c:real, d:dynamic, e:bool, f:timespan, g:guid, i:int, x:decimal, Type:string, z:long"},
        {"T | union U",
         "TenantId:string, TimeGenerated:datetime, a_long:long, a_int:int, b:string, c:real, "
         "d:dynamic, e:bool, f:timespan, g:guid, i:int, x:decimal, Type:string, z:long"},
        {"T | join kind=inner (U | project b, zz=1) on b | project b, b1, zz",
         "b:string, b1:string, zz:long"},
        {"T | join (U) on $left.a == $right.a, b",
         T_ALL ", TimeGenerated1:datetime, a1:int, b1:string, z:long"},
        {"T | join (U) on $left.a == $right.a and $left.b == $right.b",
         T_ALL ", TimeGenerated1:datetime, a1:int, b1:string, z:long"},
        {"T | extend b1=1 | join U on b",
         T_ALL ", b1:long, TimeGenerated1:datetime, a1:int, b2:string, z:long"},
        {"T | lookup U on b", T_ALL ", TimeGenerated1:datetime, a1:int, z:long"},
        {"T | lookup kind=inner U on $left.b == $right.b",
         T_ALL ", TimeGenerated1:datetime, a1:int, z:long"},
        {"print x = dynamic(null), y = dynamic(\"a\"), z = dynamic([1,2]).a, w = "
         "dynamic({\"a\":datetime(2020-01-01)})",
         "x:dynamic, y:dynamic, z:dynamic, w:dynamic"},
        {"print 'a' 'b', \"a\" \"b\"", "print_0:string, print_1:string"},
        {"print 5 between (1 .. 10) and 3 !between (1 .. 2)", "print_0:bool"},
        {"print toscalar(T | count), toscalar(T | summarize max(a))", "print_0:long, print_1:long"},
        {"print pack_all(), 1", "print_0:dynamic, print_1:long"},
        {"T | project pack_all(), bag_pack(\"a\",1), pack_array(1,2), pack(\"a\",1)",
         "Column1:dynamic, Column2:dynamic, Column3:dynamic, Column4:dynamic"},
        {"T | serialize | extend r=row_number(), p=prev(a), n=next(a,1,0), c=row_cumsum(c), "
         "row_number(), prev(a)",
         T_ALL ", r:long, p:long, n:long, Column1:long, Column2:long"},
        {"T | serialize rn=row_number()", T_ALL ", rn:long"},
        {"T | extend rn=row_number()", T_ALL ", rn:long"},
        {"T | where *  has \"x\"", T_ALL},
        {"T | extend TimeGenerated=1, q=TimeGenerated",
         "TenantId:string, TimeGenerated:long, a:long, b:string, c:real, d:dynamic, e:bool, "
         "f:timespan, g:guid, i:int, x:decimal, Type:string, q:datetime"},
        {"T | extend tostring(a)",
         "TenantId:string, TimeGenerated:datetime, a:string, b:string, c:real, d:dynamic, e:bool, "
         "f:timespan, g:guid, i:int, x:decimal, Type:string"},
        {"T | project a, tostring(a), d.x, d_x=1", "a:long, a1:string, d_x:dynamic, d_x1:long"},
        {"T | extend d.x, d.x", T_ALL ", d_x:dynamic"},
        {"T | summarize take_any(a) by a", "a:long, a1:long"},
        {"T | project a=1, a+1, Column1=2", "a:long, Column1:long, Column11:long"},
        {"T | summarize by a+1, a+2", "Column1:long, Column2:long"},
        {"T | distinct a, bin(a,5)", "a:long, a1:long"},
        {"print Column1=1", "Column1:long"},
        {"T | order by tolower(b) | project b", "b:string"},
        {"T | extend a", T_ALL},
        {"T | summarize percentile(a, 95.5), p=percentile(a,50), percentiles(a, 5, 95.5), "
         "(x,y)=percentiles(a,1,2), percentile(a+1, 5)",
         "percentile_a_95_5:long, p:long, percentile_a_5:long, percentile_a_95_51:long, x:long, "
         "y:long, percentile__5:long"},
        {"T | summarize x=arg_max(a, b, c), (m,n)=arg_min(a, b)",
         "x:long, b:string, c:real, m:long, n:string"},
        {"T | summarize arg_max(a, tostring(b), c+1), arg_max(a+1, b), arg_max(a, d.x)",
         "a:long, b:string, max_a_arg2:real, max_:long, b1:string, a1:long, d_x:dynamic"},
        {"T | summarize make_set(pack(\"a\",1)), make_list(a+1), any(a,b), take_any(a,b)",
         "set_:dynamic, list_:dynamic, any_a:long, any_b:string, a:long, b:string"},
        {"U | summarize sum(a), min(a), max(a), avg(a), percentile(a,5)",
         "sum_a:long, min_a:int, max_a:int, avg_a:real, percentile_a_5:long"},
        {"T | summarize count() by Column1=a, a+1", "Column1:long, Column11:long, count_:long"},
        {"T | getschema | project ColumnName", "ColumnName:string"},
        {"T | join kind=fullouter (U) on b | summarize count() by b1", "b1:string, count_:long"},
        {"T | join kind=leftsemi U on $left.b==$right.b | getschema",
         "ColumnName:string, ColumnOrdinal:long, DataType:string, ColumnType:string"},
        {"T | join kind=inner (T | project a, TimeGenerated1=1) on a",
         T_ALL ", a1:long, TimeGenerated1:long"},
        {"union T, (U | extend q=1)",
         "TenantId:string, TimeGenerated:datetime, a_long:long, a_int:int, b:string, c:real, "
         "d:dynamic, e:bool, f:timespan, g:guid, i:int, x:decimal, Type:string, z:long, q:long"},
        {"union U, T",
         "TimeGenerated:datetime, a_int:int, a_long:long, b:string, z:long, TenantId:string, "
         "c:real, d:dynamic, e:bool, f:timespan, g:guid, i:int, x:decimal, Type:string"},
        {"union U, (U | project a=tostring(a)), (U | extend a_int=5)",
         "TimeGenerated:datetime, a_int:int, a_string:string, b:string, z:long, a_int1:long"},
        {"T | project strlen(b), make_datetime(2020,1,1), gettype(d), ingestion_time(), not(e), "
         "isempty(b), toscalar(U|count), now(), ago(1d), datetime_part(\"Day\",TimeGenerated), "
         "split(b,\",\"), parse_json(b), parse_json(b).x, split(b,\",\")[0], "
         "tostring(split(b,\",\")[0]), tostring(d.x)",
         "strlen_b:long, Column1:datetime, type_d:string, $IngestionTime:datetime, Column2:bool, "
         "Column3:bool, Column4:long, Column5:datetime, Column6:datetime, Column7:int, b:dynamic, "
         "b1:dynamic, b_x:dynamic, b_0:dynamic, b_01:string, d_x:string"},
        {"T | where isnull(a) or a == long(null) | project x = a == long(null)", "x:bool"},
        {"U | summarize sum(a), sumif(a,true), make_set_if(a,true), arg_max(a,*)",
         "sum_a:long, sumif_a:long, set_a:dynamic, a:int, TimeGenerated:datetime, b:string, "
         "z:long"},
        {"T | top 3 by TimeGenerated | project-reorder b, *",
         "b:string, TenantId:string, TimeGenerated:datetime, a:long, c:real, d:dynamic, e:bool, "
         "f:timespan, g:guid, i:int, x:decimal, Type:string"},
        {"T | project-reorder TimeG*, a",
         "TimeGenerated:datetime, a:long, TenantId:string, b:string, c:real, d:dynamic, e:bool, "
         "f:timespan, g:guid, i:int, x:decimal, Type:string"},
        {"T | project-reorder *, a", T_ALL},
        {"T | where TimeGenerated >= datetime(2021-11-07T03:00:00Z) and a != \"\" or isempty(a)",
         T_ALL},
        {"T | sort by a | extend q=prev(a)-a", T_ALL ", q:long"},
        {"datatable(a:long)[1,2,]", "a:long"},
        {"union kind=inner T, U", "TimeGenerated:datetime, b:string"},
        {"T | project _ItemId, b", "_ItemId:string, b:string"},
        {"T | where _ItemId != '' | extend id = _ItemId | project-keep id", "id:string"},
        {"T | summarize count() by _ItemId", "_ItemId:string, count_:long"},
        {"T | project-away _ItemId, a | project-keep b", "b:string"},
        {"let n = 5; let q = T | where a > n; q | project A = a, a", "A:long, a:long"},
        {"let a2 = T; a2 | project a | extend A = 1", "a:long, A:long"},
        {"T | extend y = column_ifexists('nope', 'x'), z = column_ifexists('a', 0) | project y, z",
         "y:string, z:long"},
        {"T | project ['a b'] = a | where ['a b'] > 0", "a b:long"},
        {"Usage | render timechart", "TimeGenerated:datetime, DataType:string, Quantity:real"},
        {"set notruncation; print x = 1", "x:long"},
        {"T | extend Column1=1, a+1 | project Column1, Column2", "Column1:long, Column2:long"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = ERROR_INIT;
        struct buf got = BUF_INIT(1 << 16);
        struct kql_query *query = compile(cases[i].text, &err);
        if (!query)
            fail_msg("%s\n%d:%d+%d %s", cases[i].text, err.line, err.column, err.length,
                     err.message);
        const struct columns *columns = kql_columns(query);
        for (size_t k = 0; k < columns->n; k++)
            buf_printf(&got, "%s%s:%s", k ? ", " : "", columns->v[k].name,
                       column_type_name(columns->v[k].type));
        if (strcmp(buf_text(&got), cases[i].columns) != 0)
            fail_msg("%s\nwanted %s\ncame   %s", cases[i].text, cases[i].columns, buf_text(&got));
        buf_release(&got);
        kql_free(query);
    }
}

static void what_is_refused(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int column, length;
        const char *message, *hint;
    } cases[] = {
        {"Tt", 1, 2, "table 'Tt' is not there", "did you mean 'T'?"},
        {"T | where TimeGeneratd > ago(1d)", 11, 12, "there is no column 'TimeGeneratd' here",
         "did you mean 'TimeGenerated'?"},
        {"T | extend q = tolowr(b)", 16, 6, "function 'tolowr' is not supported yet",
         "did you mean 'tolower'?"},
        {"T | mv-expand d", 5, 9, "operator 'mv-expand' is not supported yet", ""},
        {"T | parse b with 'x' y", 5, 5, "operator 'parse' is not supported yet", ""},
        {"search 'x'", 1, 6, "operator 'search' is not supported yet", ""},
        {"T | where (a | b)", 16, 1, "'b' is not an operator of KQL", ""},
        {"T | where a", 11, 1, "a bool is expected, this is a long", ""},
        {"T | where e and 1", 17, 1, "a bool is expected, this is a long", ""},
        {"T | where b > 'x'", 13, 1, "'>' is not defined for string and string", ""},
        {"T | where TimeGenerated > '2020-01-01'", 25, 1,
         "'>' is not defined for datetime and string", ""},
        {"T | where a has 'x'", 13, 3, "'has' does not take (long, string)", ""},
        {"T | where b matches regex '(?=x)'", 27, 7, "the regular expression looks ahead", ""},
        {"T | extend q = a + b", 18, 1, "'+' does not take (long, string)", ""},
        {"T | extend q = b.x", 16, 1, "only a dynamic value has parts, this is a string",
         "use parse_json() around it"},
        {"T | extend q = 1, q = 2", 19, 1, "column 'q' is there already", ""},
        {"T | project a, a", 16, 1, "column 'a' is there already", ""},
        {"T | project-rename a = b", 20, 1, "column 'a' is there already", ""},
        {"T | project-rename q", 20, 1, "new name = old name is expected", ""},
        {"T | project-away zz", 18, 2, "there is no column 'zz' here", ""},
        {"T | summarize by d", 18, 1, "rows cannot be grouped by a dynamic value", "tostring()"},
        {"T | sort by d", 13, 1, "rows cannot be sorted by a dynamic value", "tostring()"},
        {"T | distinct *", 14, 1, "column 'd' is dynamic and cannot be compared", ""},
        {"T | summarize a", 15, 1, "column 'a' is not aggregated", "behind by"},
        {"T | summarize a = count() by a", 15, 1, "column 'a' is there already", ""},
        {"T | summarize percentile(a, 101)", 29, 3, "a number from 0 to 100 is expected", ""},
        {"T | where count() > 1", 11, 5, "'count' aggregates rows: it can stand in summarize only",
         ""},
        {"T | summarize sum(count())", 19, 5, "'count' aggregates rows", ""},
        {"T | summarize max(row_number())", 19, 10, "row_number() needs rows in an order",
         "serialize"},
        {"T | take a", 10, 1, "there is no column 'a' here", ""},
        {"T | take -1", 10, 2, "a number of rows is expected", ""},
        {"T | join U on q", 15, 1, "there is no column 'q' here", ""},
        {"T | join kind=odd U on b", 5, 4, "'odd' is not a kind of join", ""},
        {"T | join U on $left.a == $right.b", 21, 1,
         "keys of types long and string cannot be compared", ""},
        {"T | join U on a > 1", 15, 5, "a join compares columns of both sides", "$left.Name"},
        {"union T, Dev*", 10, 4, "a union over table names with stars is not supported yet", ""},
        {"union kind=odd T, U", 7, 4, "'odd' is not a kind of union", ""},
        {"union isfuzzy=true X, Y", 1, 5, "none of the tables of the union is there", ""},
        {"let x = 5; x", 12, 1, "'x' is a value, a table is expected", ""},
        {"let x = T; print x", 18, 1, "'x' is a table or function here, a value is expected", ""},
        {"let f = (x: long) { x }; print f(1)", 32, 1,
         "functions of let statements are not supported", ""},
        {"let x = 1;", 11, 0, "the text holds no query", ""},
        {"T; U", 4, 1, "a second query in one text is not supported yet", ""},
        {"workspace('x').T", 1, 16, "tables of other workspaces are not supported yet", ""},
        {"datatable(a: long, b: long) [1, 2, 3]", 1, 9, "3 values do not fill rows of 2 columns",
         ""},
        {"datatable(a: long) ['x']", 21, 3, "a long is expected, this is a string", ""},
        {"range x from 'a' to 'b' step 1", 1, 5, "range takes numbers", ""},
        {"print iff(1, 2, 3)", 11, 1, "a bool is expected, this is a long", ""},
        {"print case(true, 1)", 7, 4, "case() takes pairs of a condition and a value", ""},
        {"print now(1, 2)", 7, 3, "now() takes 0 to 1 arguments, not 2", ""},
        {"print strlen()", 7, 6, "'strlen' does not take no arguments", ""},
        {"T | extend (p, q) = d", 12, 10, "several names for one value are not supported yet", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = ERROR_INIT;
        struct kql_query *query = compile(cases[i].text, &err);
        if (query)
            fail_msg("not refused: %s", cases[i].text);
        if (err.code != ERROR_KQL || err.line != 1 || err.column != cases[i].column ||
            err.length != cases[i].length || !strstr(err.message, cases[i].message) ||
            !strstr(err.hint, cases[i].hint))
            fail_msg("%s\n%d:%d+%d %s | %s", cases[i].text, err.line, err.column, err.length,
                     err.message, err.hint);
    }
}

static void row_by_row(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int column, length; /* 0, 0: works row by row */
    } cases[] = {
        {"T", 0, 0},
        {"T | where a > 1 | extend b = a * 2 | project a, b | project-away b", 0, 0},
        {"T | parse b with * 'x' y:long | parse-where b with 'z' | mv-expand d to typeof(long)", 0,
         0},
        {"T | project-rename q = a | project-reorder q | project-keep q", 0, 0},
        {"union T, (U | where a > 1) | where b == 'x'", 0, 0},
        {"let n = 5; let t = T | where a > n; t | where b in (dynamic(['x']))", 0, 0},
        {"let ips = datatable(ip: string) ['x']; T | where b in (ips)", 0, 0},
        {"set notruncation; T", 0, 0},
        {"T | as q | where a > 1", 0, 0},
        {"T | summarize count() by b", 5, 9},
        {"T | where a > 1 | take 5", 19, 4},
        {"T | sort by a", 5, 4},
        {"T | join kind=inner (U) on b", 5, 4},
        {"T | distinct b", 5, 8},
        {"T | mv-apply d on (count)", 5, 8},
        {"T | evaluate bag_unpack(d)", 5, 8},
        {"union T, (U | count)", 15, 5},
        {"T | where b in ((U | summarize by b))", 22, 9},
        {"T | where a == toscalar(U | count)", 29, 5},
        {"T | extend n = row_number()", 16, 10},
        {"T | extend n = prev(a)", 16, 4},
        {"T | extend n = rand()", 16, 4},
        {"let f = (x: long) { T }; f(1)", 9, 1},
        {"print 1", 1, 5},
        {"range x from 1 to 2 step 1", 1, 5},
        {"datatable(a: long) [1]", 1, 9},
        {"search 'x'", 1, 6},
        {"T; U", 4, 1},
        {"T | wher a", 5, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = ERROR_INIT;
        bool good = kql_check_row_by_row(str_of(cases[i].text), &err);
        if (good != (cases[i].column == 0) ||
            (!good &&
             (err.line != 1 || err.column != cases[i].column || err.length != cases[i].length)))
            fail_msg("%s\n%d:%d+%d %s", cases[i].text, err.line, err.column, err.length,
                     err.message);
    }
}

/* The one table of the query. */
static struct kql_table only_table(struct kql_query *query)
{
    const struct kql_table *tables = NULL;
    assert_int_equal(kql_tables(query, &tables), 1);
    return tables[0];
}

#define TICK(h) (INT64_C(638712864000000000) + (h) *TICK_HOUR) /* 2025-01-01 */
#define LAST (TICK_MAX + 1)

static void time_ranges_of_tables(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int64_t from, to;
    } cases[] = {
        {"T", 0, LAST},
        {"T | where TimeGenerated >= datetime(2025-01-01) and TimeGenerated < "
         "datetime(2025-01-01T03:00)",
         TICK(0), TICK(3)},
        {"T | where TimeGenerated > datetime(2025-01-01) | where TimeGenerated <= "
         "datetime(2025-01-01T03:00)",
         TICK(0) + 1, TICK(3) + 1},
        {"T | where datetime(2025-01-01) <= TimeGenerated and a > 1", TICK(0), LAST},
        {"T | where TimeGenerated between (datetime(2025-01-01) .. 2h)", TICK(0), TICK(2) + 1},
        {"T | where TimeGenerated > ago(2h) | extend x = 1 | project-away a | where x == 1",
         TICK(10) + 1, LAST},
        {"T | where TimeGenerated > now() - 1h and TimeGenerated < now() + 1h", TICK(11) + 1,
         TICK(13)},
        {"let from = datetime(2025-01-01); let to = from + 3h; T | where TimeGenerated between "
         "(from .. to)",
         TICK(0), TICK(3) + 1},
        {"T | where TimeGenerated >= startofday(now()) + 1h", TICK(1), LAST},
        {"T | where TimeGenerated == datetime(2025-01-01)", TICK(0), TICK(0) + 1},
        {"T | where TimeGenerated > todatetime('2025-01-01T00:00:00Z')", TICK(0) + 1, LAST},
        {"T | where TimeGenerated > ago(1h) or TimeGenerated < datetime(2025-01-01T01:00)", 0,
         LAST},
        {"T | where (TimeGenerated > ago(2h) and a == 1) or TimeGenerated > ago(1h)", TICK(10) + 1,
         LAST},
        {"T | where not(TimeGenerated > ago(1h))", 0, LAST},
        {"T | where TimeGenerated != datetime(2025-01-01)", 0, LAST},
        {"T | project t = TimeGenerated | where t > ago(1h)", TICK(11) + 1, LAST},
        {"T | extend TimeGenerated = TimeGenerated + 1h | where TimeGenerated > ago(1h)", 0, LAST},
        {"T | take 5 | where TimeGenerated > ago(1h)", 0, LAST},
        {"T | summarize max(TimeGenerated) by TimeGenerated | where TimeGenerated > ago(1h)", 0,
         LAST},
        {"T | sort by a | extend p = prev(a) | where TimeGenerated > ago(1h)", 0, LAST},
        {"T | where TimeGenerated > ago(1h) | summarize count()", TICK(11) + 1, LAST},
        {"union (T | where a > 1), (T | where a < 1) | where TimeGenerated > ago(1h)", TICK(11) + 1,
         LAST},
        {"union (T | where TimeGenerated < datetime(2025-01-01T01:00)), (T | where TimeGenerated "
         "between "
         "(datetime(2025-01-01T03:00) .. 1h))",
         0, TICK(4) + 1},
        {"let q = T | where TimeGenerated > ago(3h); q | where TimeGenerated > ago(2h) | join (q | "
         "where "
         "TimeGenerated > ago(1h)) on a",
         TICK(10) + 1, LAST},
        {"T | where TimeGenerated > ago(1h) and TimeGenerated < ago(2h)", 0, 0},
        {"T | where TimeGenerated > datetime(9999-12-31) - 4000000d", 0, LAST},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = ERROR_INIT;
        struct kql_query *query = compile(cases[i].text, &err);
        if (!query)
            fail_msg("%s\n%s", cases[i].text, err.message);
        struct kql_table table = only_table(query);
        if (table.from != cases[i].from || table.to != cases[i].to)
            fail_msg("%s\n%lld to %lld", cases[i].text, (long long) table.from,
                     (long long) table.to);
        kql_free(query);
    }
}

static void the_requests_range_bounds_every_table(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct kql_options options = {
        .table = tables_columns, .now = TABLES_NOW, .from = TICK(1), .to = TICK(2)};
    struct kql_query *query =
        kql_compile(STR("union T, U | where TimeGenerated > datetime(2025-01-01T01:30) | count"),
                    &options, &err);
    assert_non_null(query);
    const struct kql_table *tables = NULL;
    assert_int_equal(kql_tables(query, &tables), 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tables[i].from, TICK(1) + TICK_HOUR / 2 + 1);
        assert_int_equal(tables[i].to, TICK(2));
    }
    kql_free(query);
    query = kql_compile(STR("s1"), &options, &err); /* has no TimeGenerated */
    assert_non_null(query);
    assert_int_equal(only_table(query).to, LAST);
    kql_free(query);
}

static bool twins(void *context, struct str name, struct columns *visible, struct columns *hidden,
                  struct error *err)
{
    (void) context, (void) name, (void) hidden;
    return columns_add(visible, STR("timegenerated"), COLUMN_STRING, err) &&
           columns_add(visible, STR("TimeGenerated"), COLUMN_DATETIME, err) &&
           columns_add(visible, STR("Id"), COLUMN_INT, err) &&
           columns_add(visible, STR("ID"), COLUMN_STRING, err) &&
           columns_add(visible, STR("ID_2"), COLUMN_STRING, err);
}

/* SQL does not tell names apart by their case; a table does. */
static void columns_that_differ_in_case_alone_have_names_of_their_own(void **state)
{
    (void) state;
    static const char *const names[] = {"timegenerated_2", "TimeGenerated", "Id", "ID_2", "ID_2_2"},
                             *const keys[] = {"timegenerated", "TimeGenerated", "Id", "ID", "ID_2"};
    struct error err = ERROR_INIT;
    struct kql_options options = {.table = twins, .now = TABLES_NOW};
    struct kql_query *query = kql_compile(STR("T"), &options, &err);
    assert_non_null(query);
    const struct kql_table *table = NULL;
    assert_int_equal(kql_tables(query, &table), 1);
    assert_int_equal(table->columns->n, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(table->columns->v[i].name, names[i]);
        assert_string_equal(table->keys[i], keys[i]);
        assert_string_equal(kql_columns(query)->v[i].name, keys[i]);
    }
    kql_free(query);
}

static void columns_that_tables_deliver(void **state)
{
    (void) state;
    static const struct {
        const char *text, *columns;
        bool ingestion;
    } cases[] = {
        {"T | project b", "b", false},
        {"T | where a > 1 | project b", "a b", false},
        {"T | extend q = c * 2 | project b", "b", false},
        {"T | count", "TimeGenerated", false},
        {"s1 | count", "odd\"name", false},
        {"T | where _ItemId == 'x' | project a", "a _ItemId", false},
        {"T | where isnull(ingestion_time()) | project a", "a", true},
        {"T | summarize count() by b | project count_", "b", false},
        {"T | sort by f | project a", "a f", false},
        {"T | sort by f | count", "TimeGenerated", false},
        {"T | summarize make_list(a)", "a", false},
        {"T | sort by f | summarize make_list(a)", "a f", false},
        {"T | extend n = row_number() | project a", "a", false},
        {"T | project a | join (T | project a, b) on a | project b", "a b", false},
        {"T | where a in ((T | where e | project i)) | project c", "a c e i", false},
        {"let unused = T | project x; T | project a", "a", false},
        {"T | extend p = pack_all() | project p", "TenantId TimeGenerated a b c d e f g i x Type",
         false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = ERROR_INIT;
        struct buf got = BUF_INIT(4096);
        struct kql_query *query = compile(cases[i].text, &err);
        if (!query)
            fail_msg("%s\n%s", cases[i].text, err.message);
        struct kql_table table = only_table(query);
        for (size_t k = 0; k < table.columns->n; k++)
            buf_printf(&got, "%s%s", k ? " " : "", table.columns->v[k].name);
        if (strcmp(buf_text(&got), cases[i].columns) != 0 ||
            table.ingestion_time != cases[i].ingestion)
            fail_msg("%s\n%s", cases[i].text, buf_text(&got));
        buf_release(&got);
        kql_free(query);
    }
}

/* The SQL of one query is the same each time, and whole for any name or text. */
static void sql_as_it_is_written(void **state)
{
    (void) state;
    static const struct {
        const char *text, *sql;
    } cases[] = {
        {"T | where TimeGenerated >= datetime(2025-01-01) and b != 'it''s' | project ['q\"r'] = b",
         "with s1 as not materialized (select \"TimeGenerated\", \"b\"\n    from \"T\"),\n"
         "s2 as not materialized (select \"TimeGenerated\", \"b\"\n    from s1\n"
         "    where ((\"TimeGenerated\" >= 638712864000000000) and (\"b\" <> 'it''s'))),\n"
         "s3 as not materialized (select \"b\" as \"q\"\"r\"\n    from s2)\n"
         "select \"q\"\"r\" from s3"},
        {"s1 | where ['odd\"name'] == 'x'",
         "with ss1 as not materialized (select \"odd\"\"name\"\n    from \"s1\"),\n"
         "ss2 as not materialized (select \"odd\"\"name\"\n    from ss1\n"
         "    where (\"odd\"\"name\" = 'x'))\n"
         "select \"odd\"\"name\" from ss2"},
        {"T | where b has 'cmd.exe' or b =~ 'x' or b contains '\xC3\xA9' | count",
         "with s1 as not materialized (select \"b\"\n    from \"T\"),\n"
         "s2 as not materialized (select \"b\"\n    from s1\n"
         "    where (weir_has(\"b\", 'cmd.exe') or weir_equals(\"b\", 'x') or "
         "contains(lower(\"b\"), lower('\xC3\xA9')))),\n"
         "s3 as not materialized (select cast(count(*) as bigint) as \"Count\"\n    from s2)\n"
         "select \"Count\" from s3"},
        {"T | project a, A = i | sort by a asc | take 2",
         "with s1 as not materialized (select \"a\", \"i\"\n    from \"T\"),\n"
         "s2 as not materialized (select \"a\", \"i\" as \"A_2\"\n    from s1),\n"
         "s3 as not materialized (select \"a\", \"A_2\", \"a\" as \"order 1\"\n    from s2),\n"
         "s4 as not materialized (select \"a\", \"A_2\", \"order 1\"\n    from s3 order by \"order "
         "1\" asc "
         "nulls first limit 2)\n"
         "select \"a\", \"A_2\" as \"A\" from s4 order by \"order 1\" asc nulls first"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int again = 0; again < 2; again++) {
            struct error err = ERROR_INIT;
            struct buf text = BUF_INIT(4096);
            /* 'it''s' is SQL's way; KQL's is a backslash */
            const char *quote = strstr(cases[i].text, "''");
            buf_put(&text, cases[i].text,
                    quote ? (size_t) (quote - cases[i].text) : strlen(cases[i].text));
            buf_puts(&text, quote ? "\\'" : "");
            buf_puts(&text, quote ? quote + 2 : "");
            struct kql_query *query = compile(buf_text(&text), &err);
            if (!query)
                fail_msg("%s\n%s", cases[i].text, err.message);
            assert_string_equal(kql_sql(query), cases[i].sql);
            kql_free(query);
            buf_release(&text);
        }
    }
}

/* Every allocation of a compilation fails once: an error each time, and nothing is left behind. */
static void lack_of_memory_shows(void **state)
{
    (void) state;
    const char *text =
        "let n = 5; T | where b has_any ('x', 'y') and a > n | extend q = strcat(b, 'z'), d.x.y | "
        "join kind=leftouter (U | summarize arg_max(z, *) by b) on b | union U | sort by a_long | "
        "extend r = row_number() | where q in ((U | project b)) | top 5 by r";
    struct error err = ERROR_INIT;
    struct kql_query *query = compile(text, &err);
    if (!query)
        fail_msg("%s", err.message);
    kql_free(query);
    unsigned n = 0;
    for (query = NULL; !query && n < 100000;) {
        error_clear(&err);
        mem_fail_at(++n);
        query = compile(text, &err);
        mem_fail_at(0);
        if (!query && err.code != ERROR_MEMORY && err.code != ERROR_LIMIT)
            fail_msg("%u: %s", n, err.message);
    }
    assert_true(n > 20);
    kql_free(query);
}

/* A query that doubles with each let: refused, or small, and quick either way. */
static void a_query_that_doubles_is_bounded(void **state)
{
    (void) state;
    struct buf text = BUF_INIT(KQL_TEXT_MAX);
    struct error err = ERROR_INIT;
    buf_puts(&text, "let t0 = T | project a, b;\n");
    for (int i = 1; i <= 60; i++)
        buf_printf(&text, "let t%d = union t%d, t%d;\n", i, i - 1, i - 1);
    buf_puts(&text, "t60 | count");
    struct kql_query *query = compile(buf_text(&text), &err);
    assert_non_null(query);
    assert_true(strlen(kql_sql(query)) < 100000);
    kql_free(query);
    buf_release(&text);
}

static bool locked_tables(void *context, struct str name, struct columns *visible,
                          struct columns *hidden, struct error *err)
{
    (void) context, (void) name, (void) visible, (void) hidden;
    (void) error_set(err, ERROR_SETTINGS, "the key is missing");
    return error_hint(err, "set it");
}

static void tables_that_cannot_be_read_are_not_the_querys_fault(void **state)
{
    (void) state;
    struct kql_options options = {.table = locked_tables, .now = TABLES_NOW};
    struct error err = ERROR_INIT;
    assert_null(kql_compile(STR("T | count"), &options, &err));
    assert_int_equal(err.code, ERROR_SETTINGS);
    assert_string_equal(err.message, "the key is missing");
    assert_string_equal(err.hint, "set it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_that_come_out),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(row_by_row),
        cmocka_unit_test(time_ranges_of_tables),
        cmocka_unit_test(the_requests_range_bounds_every_table),
        cmocka_unit_test(columns_that_differ_in_case_alone_have_names_of_their_own),
        cmocka_unit_test(columns_that_tables_deliver),
        cmocka_unit_test(sql_as_it_is_written),
        cmocka_unit_test(lack_of_memory_shows),
        cmocka_unit_test(a_query_that_doubles_is_bounded),
        cmocka_unit_test(tables_that_cannot_be_read_are_not_the_querys_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
