// One record as one line of JSON, the form in which these tests compare what two programs read:
// {"offset":0,"timestamp":1,"key":null,"value":"<hex>","headers":[["name","<hex>"]]}
#ifndef WEIR_TESTS_INTEGRATION_BATCH_JSON_H_
#define WEIR_TESTS_INTEGRATION_BATCH_JSON_H_

#include <string>

#include "tests/unit/record_samples.h"

namespace weir {

// Header names have to be plain ASCII without quotes and backslashes. Ends with a newline.
std::string RecordJson(const OwnedRecord& record);

}  // namespace weir

#endif  // WEIR_TESTS_INTEGRATION_BATCH_JSON_H_
